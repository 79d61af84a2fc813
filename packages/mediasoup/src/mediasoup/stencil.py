"""Requests that are nearly the same each time: encoded once, and from then on filled in where they differ."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .errors import InvalidParameters
from .wire import Encoded

_U32 = struct.Struct("<I")
Value = str | int


class Stencil:
    """A finished block with gaps.

    `draw(*values)` encodes it. Each of the `examples`, values for it, becomes a gap: a string one for ASCII strings of
    that very length, a number one for a u32.
    """

    def __init__(self, draw: Callable[..., Encoded], *examples: Value) -> None:
        self._block, self._root = draw(*examples)
        self._gaps = tuple(self._find(draw, examples, which) for which in range(len(examples)))

    def _find(self, draw: Callable[..., Encoded], examples: tuple[Value, ...], which: int) -> slice:
        """Where a value stands: where the block begins to be another one when the value is."""
        example = examples[which]
        other = "".join(chr(ord(char) ^ 1) for char in example) if isinstance(example, str) else example ^ 0xFFFFFFFF
        changed = draw(*examples[:which], other, *examples[which + 1 :]).data
        start = next(at for at, (a, b) in enumerate(zip(self._block, changed, strict=True)) if a != b)
        return slice(start, start + (len(example) if isinstance(example, str) else 4))

    def fill(self, *values: Value) -> Encoded:
        """The block with these values, one a gap. Raises `InvalidParameters` for one that does not fit."""
        block = bytearray(self._block)
        try:
            for gap, value in zip(self._gaps, values, strict=True):
                raw = value.encode("ascii") if isinstance(value, str) else _U32.pack(value)
                if len(raw) != gap.stop - gap.start:
                    raise ValueError(f"{len(raw)} bytes for {gap.stop - gap.start}")
                block[gap] = raw
        except (struct.error, ValueError) as error:
            raise InvalidParameters(f"this does not fit into a request: {error}") from error
        return Encoded(bytes(block), self._root)
