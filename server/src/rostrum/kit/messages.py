"""Reads what a client put into an event, strictly and without pydantic: this runs at every message."""

import re
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec

from rostrum.kit.errors import InvalidInput

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=4096)]

T = TypeVar("T", bound=msgspec.Struct)

_UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])")


class Message(msgspec.Struct, frozen=True):
    """Base of the events' bodies. Fields are snake_case; a client may write them in either case, `roomId` or
    `room_id`. Unknown fields are ignored: they never grant anything."""


def read(kind: type[T], body: object) -> T:
    """Read an event's body; a missing one is an empty one.

    Raises:
        InvalidInput: it is not an object, or a field is missing or has the wrong type or length.
    """
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise InvalidInput("The message must be an object.")
    fields: dict[str, Any] = {_snake(key): value for key, value in body.items() if len(key) <= 40}
    for name, value in fields.items():
        if type(value) is str and "\0" in value:  # No text may hold it, since PostgreSQL has no form for it.
            reason = "must not contain NUL characters"
            raise InvalidInput(f"The message is invalid: {name} {reason}.", errors=[{"field": name, "msg": reason}])
    try:
        return msgspec.convert(fields, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _refusal(str(error)) from None


@lru_cache(maxsize=512)
def _snake(key: str) -> str:
    return _UPPER.sub(r"_\g<0>", key).lower()


def _refusal(reason: str) -> InvalidInput:
    field = re.search(r"`\$\.([a-z_]+)", reason) or re.search(r"field `([a-z_]+)`", reason)
    return InvalidInput(
        f"The message is invalid: {reason}.", errors=[{"field": field[1] if field else "", "msg": reason}]
    )
