"""Checks of single values from outside. Each returns the value or raises `InvalidParameters` with its path."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from .errors import InvalidParameters

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

U16 = 0xFFFF
U32 = 0xFFFFFFFF


def describe(value: Any) -> str:
    """A short name of a wrong value: never the value itself where it may be huge."""
    if isinstance(value, bool | int | float) or value is None:
        return f"{value!r}"[:40]
    return type(value).__name__


def mapping(value: Any, path: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise InvalidParameters(f"{path} must be an object, not {describe(value)}")
    return value


def sequence(value: Any, path: str, most: int) -> list[Any] | tuple[Any, ...]:
    """A JSON array of at most `most` items; a missing one is empty."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise InvalidParameters(f"{path} must be an array, not {describe(value)}")
    if len(value) > most:
        raise InvalidParameters(f"{path} has {len(value)} items, at most {most} are allowed")
    return value


def text(value: Any, path: str, most: int, least: int = 1) -> str:
    """A string of `least` to `most` bytes of UTF-8 without control characters.

    Control characters are refused because many of these strings end up in the SDP of other people's browsers.
    """
    if not isinstance(value, str):
        raise InvalidParameters(f"{path} must be a string, not {describe(value)}")
    if len(value) > most:
        raise InvalidParameters(f"{path} is longer than {most} bytes")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidParameters(f"{path} is not valid Unicode") from None
    if not least <= size <= most:
        raise InvalidParameters(f"{path} must be {least} to {most} bytes long")
    if _CONTROL.search(value):
        raise InvalidParameters(f"{path} contains control characters")
    return value


def optional_text(value: Any, path: str, most: int) -> str | None:
    """Like `text`; None or an empty string is None."""
    return text(value, path, most) if value is not None and value != "" else None


def integer(value: Any, path: str, least: int, most: int) -> int:
    """A whole number between `least` and `most`, both included. 5.0 is one, for JSON knows only one kind of number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidParameters(f"{path} must be an integer, not {describe(value)}")
    if not least <= value <= most:
        raise InvalidParameters(f"{path} must be between {least} and {most}")
    return value


def optional_integer(value: Any, path: str, least: int, most: int) -> int | None:
    """Like `integer`, but None stays None."""
    return None if value is None else integer(value, path, least, most)


def boolean(value: Any, path: str) -> bool:
    """A JSON true or false."""
    if not isinstance(value, bool):
        raise InvalidParameters(f"{path} must be a boolean, not {describe(value)}")
    return value


def choice(value: Any, path: str, allowed: tuple[str, ...]) -> str:
    """One of the `allowed` strings."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidParameters(f"{path} must be one of {', '.join(allowed)}")
    return value


def scalar(value: Any, path: str, most: int = 4096) -> str | int | float:
    """A codec parameter: a string, an integer that fits a double, or a finite float."""
    if isinstance(value, str):
        return text(value, path, most, least=0)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise InvalidParameters(f"{path} must be a string or a finite number, not {describe(value)}")
