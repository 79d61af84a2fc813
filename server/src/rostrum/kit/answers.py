"""How routes describe their answers in the OpenAPI document: documentation alone, no answer passes through it."""

from collections import defaultdict
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from rostrum.kit.errors import RostrumError

T = TypeVar("T")

Responses = dict[int | str, dict[str, Any]]

ERROR_SCHEMA: Final = {"$ref": "#/components/schemas/Error"}
REQUEST_ID: Final = "68aff60d0d7bbb02c917906d"


class Out(BaseModel):
    """A documented part of an answer; `EXAMPLE` is what it looks like on the wire."""

    model_config = ConfigDict(alias_generator=to_camel)
    EXAMPLE: ClassVar[dict[str, Any]] = {}


class Answer(BaseModel, Generic[T]):
    """The shape of most answers."""

    success: Literal[True]
    data: T
    msg: str


def enveloped(
    model: type[Out], msg: str, *errors: type[RostrumError], status: int = 200, many: bool = False
) -> Responses:
    """An answer `{success, data, msg}` with one item or (`many`) a page of them, and the errors that are its own."""
    data: Any = [model.EXAMPLE] if many else model.EXAMPLE
    shape: Any = list[model] if many else model  # type: ignore[valid-type]
    return bare(Answer[shape], {"success": True, "data": data, "msg": msg}, *errors, status=status, paged=many)


def bare(model: Any, example: Any, *errors: type[RostrumError], status: int = 200, paged: bool = False) -> Responses:
    """An answer of a shape of its own."""
    done: dict[str, Any] = {
        "model": model,
        "description": "Done.",
        "content": {"application/json": {"example": example}},
    }
    if paged:
        done["headers"] = PAGE_HEADERS
    return {status: done, **refusals(*errors)}


def empty(*errors: type[RostrumError]) -> Responses:
    """204 without a body."""
    return {204: {"description": "Done; there is no body."}, **refusals(*errors)}


def refusals(*errors: type[RostrumError]) -> Responses:
    """Error answers, one a status, with an example for each code."""
    by_status: dict[int, list[type[RostrumError]]] = defaultdict(list)
    for error in errors:
        by_status[error.status].append(error)
    return {status: _refusal(group) for status, group in sorted(by_status.items())}


def _refusal(group: list[type[RostrumError]]) -> dict[str, Any]:
    told = "; ".join(f"`{error.code}`: {error.sentence}" for error in group)
    examples = {error.code: {"value": _example(error)} for error in group}
    return {"description": told, "content": {"application/json": {"schema": ERROR_SCHEMA, "examples": examples}}}


def _example(error: type[RostrumError]) -> dict[str, Any]:
    return {
        "success": False,
        "code": error.code,
        "msg": error.sentence,
        "message": error.sentence,
        "requestId": REQUEST_ID,
    }


PAGE_HEADERS: Final[dict[str, Any]] = {
    "X-Next-Cursor": {
        "description": "The `cursor` of the next page; absent on the last one.",
        "schema": {"type": "string"},
    },
    "Link": {"description": 'The next page\'s address, `rel="next"`.', "schema": {"type": "string"}},
}
