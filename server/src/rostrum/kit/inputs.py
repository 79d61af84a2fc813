"""Types of input fields that several features share."""

from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

from rostrum.kit import clock

T = TypeVar("T")


class Input(BaseModel):
    """A request's body. Unknown fields are ignored: they never grant anything."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


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
    return clock.parse(value) if isinstance(value, int | str) and not isinstance(value, bool) else value


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

Alias = Annotated[Reference | None, Wanted, Query(include_in_schema=False)]
"""Another spelling of a query's parameter, taken as well and not documented."""


def one_of(*values: T | None) -> T | None:
    """The first one that was given, of a parameter with several spellings."""
    return next((value for value in values if value is not None), None)
