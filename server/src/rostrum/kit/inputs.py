"""Types of input fields that several features share."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from rostrum.kit import clock

T = TypeVar("T")


class Input(BaseModel):
    """A request's body. Unknown fields are ignored: they never grant anything.

    A field is known by its documented name and by every spelling of it: `roomId` is also `room_id` and `roomID`.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _spelt_as_documented(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {**_respelt(_spellings(cls), data), **data}

    @field_validator("*", mode="before")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:  # No database that we know stores it.
            raise ValueError("must not contain NUL")
        return value


@cache
def _spellings(model: type[BaseModel]) -> Mapping[str, str]:
    """Each name of a field without case and underscores → the name that the model knows."""
    known: dict[str, str] = {}
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [alias or field.alias or name]
        for one in names:
            if isinstance(one, str):
                known.setdefault(_folded(one), one)
    return known


def _respelt(known: Mapping[str, str], data: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields under their documented names; the first one of several spellings counts."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        documented = known.get(_folded(name)) if isinstance(name, str) else None
        if documented is not None:
            found.setdefault(documented, value)
    return found


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def printable(text: str) -> str:
    """Refuse control characters, unpaired surrogates and marks that turn the direction of text around."""
    if any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in text):
        raise ValueError("must not contain control characters")
    if any(char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for char in text):
        raise ValueError("must not contain marks that change the direction of text")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(printable)]
"""A line of text of at most 100 characters, spaces around it stripped."""


def _moment(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():  # As some languages write whole numbers.
        value = int(value)
    if isinstance(value, bool):
        raise ValueError("must be epoch milliseconds or ISO 8601")
    return clock.parse(value) if isinstance(value, int | str) else value


Moment = Annotated[
    int,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 253_402_300_799_999, "description": "Epoch milliseconds."},
                {"type": "string", "format": "date-time", "description": "ISO 8601; UTC where no offset is given."},
            ],
            "examples": ["2026-01-31T18:00:00.000Z"],
        }
    ),
]
"""A moment as epoch milliseconds or ISO 8601; milliseconds since 1970 inside."""


def _nothing(value: Any) -> Any:
    return None if value == "" else value


Wanted = BeforeValidator(_nothing)
"""Marks a parameter of a query that filters: an empty one (`type=`) is no filter."""

Reference = Annotated[str, StringConstraints(max_length=64)]
"""An id in a query; whether there is such a thing is for the database to say."""


def spelt(name: str) -> Any:
    """Another spelling of a query's parameter, taken as well and not documented."""
    return Query(alias=name, include_in_schema=False)


def one_of(*values: T | None) -> T | None:
    """The first one that was given, of a parameter with several spellings."""
    return next((value for value in values if value is not None), None)
