"""Answers that are nearly the same each time: read once, and from then on only where they differ."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from .wire import codec

_I32 = struct.Struct("<i")
_MOST_KNOWN = 32

T = TypeVar("T")


class _Known(NamedTuple, Generic[T]):
    blank: bytes
    gaps: tuple[slice, ...]
    zeros: tuple[bytes, ...]
    facts: T


class Recurring(Generic[T]):
    """Reads a table of which all but some strings usually is what it was the last time.

    `strings` are the paths of those, and `convert` makes what the caller wants of all the rest, which is shared between
    all equal answers: it must not be changed.
    """

    def __init__(
        self, table: str, strings: tuple[tuple[str, ...], ...], convert: Callable[[dict[str, Any]], T]
    ) -> None:
        self._table = table
        self._strings = strings
        self._convert = convert
        self._known: dict[int, _Known[T]] = {}

    def read(self, buf: bytes, at: int) -> tuple[T, tuple[str, ...]]:
        """The facts and the strings of the table at `at`.

        It must be the innermost of its message: what it points to lies behind it, as flatbuffers' builders write it.
        """
        # Its vtable stands before it, or is shared with a table behind it.
        body = buf[min(at, at - _I32.unpack_from(buf, at)[0]) :]
        known = self._known.get(len(body))
        if known is not None:
            blank = bytearray(body)
            for gap, zeros in zip(known.gaps, known.zeros, strict=True):
                blank[gap] = zeros
            if blank == known.blank:
                return known.facts, tuple([body[gap].decode() for gap in known.gaps])
        return self._learn(buf, at, body)

    def _learn(self, buf: bytes, at: int, body: bytes) -> tuple[T, tuple[str, ...]]:
        table = codec(self._table, lean=True).decode(buf, at)
        strings = tuple(_follow(table, path) for path in self._strings)
        facts = self._convert(table)
        raw = [string.encode() for string in strings]
        if all(part and body.count(part) == 1 for part in raw):
            gaps = tuple(slice(body.index(part), body.index(part) + len(part)) for part in raw)
            zeros = tuple(bytes(len(part)) for part in raw)
            blank = bytearray(body)
            for gap, nothing in zip(gaps, zeros, strict=True):
                blank[gap] = nothing
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[len(body)] = _Known(bytes(blank), gaps, zeros, facts)
        return facts, strings


def _follow(table: dict[str, Any], path: tuple[str, ...]) -> str:
    value: Any = table
    for name in path:
        value = value[name]
    return str(value)
