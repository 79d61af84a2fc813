"""What is around the body of every request, encoded once for each method and filled in from then on."""

from __future__ import annotations

from functools import cache
from struct import Struct

from .errors import InvalidParameters
from .wire import Encoded, codec

#: The worker takes no longer frames.
MAX_FRAME = 8 * 1024 * 1024 - 4

_HEAD = Struct("<III")
_U32 = Struct("<I")
_EMPTY = Encoded(b"", 0)
# Values that stand out in a template.
_NUMBER, _LETTER = 0xA5C3E1F7, "\x01"


def frame(message: Encoded) -> bytes:
    """A finished message as it goes over the pipe: size, offset of the root table, four bytes of alignment, block."""
    size = len(message.data) + 8
    if size > MAX_FRAME:
        raise InvalidParameters(f"a message of {size} bytes is too large for the worker")
    return _HEAD.pack(size, message.root + 8, 0) + message.data


class Envelope:
    """A request without its number, its handler's id and its body, which is the last thing in it."""

    def __init__(self, method: str, table: str | None, id_size: int) -> None:
        self._template, shifted = (self._draw(method, table, id_size, root) for root in (0, 1))
        self._number_at = self._template.index(_U32.pack(_NUMBER))
        self._id_at = self._template.index((_LETTER * id_size).encode()) if id_size else 0
        self._id_end = self._id_at + id_size
        # Where the body is depends on nothing but its own root: the one place where the two differ.
        differing = [i for i, (a, b) in enumerate(zip(self._template, shifted, strict=True)) if a != b]
        self._body_at = differing[0] if differing else 0
        self._body_offset = _U32.unpack_from(self._template, self._body_at)[0]

    @staticmethod
    def _draw(method: str, table: str | None, id_size: int, root: int) -> bytes:
        fields = {
            "id": _NUMBER,
            "method": method,
            "handler_id": _LETTER * id_size,
            "body": table and (table, Encoded(b"", root)),
        }
        return frame(codec("Message.Message").encode({"data": ("Request", fields)}))

    def fill(self, number: int, handler_id: str, body: Encoded = _EMPTY) -> bytes:
        """The whole frame. Raises `InvalidParameters` if it gets too long."""
        data = bytearray(self._template)
        size = len(data) - 4 + len(body.data)
        if size > MAX_FRAME:
            raise InvalidParameters(f"a request of {size} bytes is too large for the worker")
        _U32.pack_into(data, 0, size)
        _U32.pack_into(data, self._number_at, number)
        if self._id_end > self._id_at:
            data[self._id_at : self._id_end] = handler_id.encode()
        if self._body_at:
            _U32.pack_into(data, self._body_at, self._body_offset + body.root)
        return b"".join((data, body.data))


@cache
def envelope(method: str, table: str | None, id_size: int) -> Envelope:
    """The envelope of a method with a body of that table, for handler ids of `id_size` ASCII characters."""
    return Envelope(method, table, id_size)
