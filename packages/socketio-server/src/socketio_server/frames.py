"""WebSocket frames as RFC 6455 has them, the server's side. Pure: bytes in, messages out.

Frames of a server carry no mask, those of a client always one. There is no compression: reserved bits are an error.
"""

from typing import Final

from socketio_server.errors import FrameError

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
BAD_DATA: Final = 1007
POLICY: Final = 1008
TOO_LARGE: Final = 1009

_KNOWN_CODES: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole frame from the server."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2) + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what fits."""
    return frame(CLOSE, code.to_bytes(2) + reason.encode()[:123].decode(errors="ignore").encode())


def unpack(wire: bytes) -> list[tuple[int, bytes]]:
    """Take frames of our own apart again: (opcode, payload) of each."""
    found, at = [], 0
    while at < len(wire):
        head, size = _own_header(wire, at)
        found.append((wire[at] & 15, wire[at + head : at + head + size]))
        at += head + size
    return found


def count(wire: bytes) -> int:
    """How many frames of our own these are."""
    number, at = 0, 0
    while at < len(wire):
        at += sum(_own_header(wire, at))
        number += 1
    return number


def _own_header(wire: bytes, at: int) -> tuple[int, int]:
    size = wire[at + 1]
    if size < 126:
        return 2, size
    wide = 2 if size == 126 else 8
    return 2 + wide, int.from_bytes(wire[at + 2 : at + 2 + wide])


def parse_close(payload: bytes) -> tuple[int, str]:
    """The code and reason of a client's close frame; 1005 where it gives none.

    Raises:
        FrameError: the code is not one that may be sent, or the reason is not UTF-8.
    """
    if not payload:
        return 1005, ""
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or (code not in _KNOWN_CODES and not 3000 <= code <= 4999):
        raise FrameError(PROTOCOL_ERROR, "an invalid close code")
    return code, decode_text(payload[2:])


def decode_text(payload: bytes) -> str:
    """The text of a message.

    Raises:
        FrameError: it is not UTF-8.
    """
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(BAD_DATA, "a text that is not UTF-8") from None


class FrameReader:
    """Puts a client's frames together to messages.

    Args:
        limit: bytes that a message may have, over all its fragments.
    """

    __slots__ = ("_at", "_data", "_limit", "_message", "_opcode")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data: bytes | bytearray = b""
        self._at = 0
        self._opcode = 0
        self._message: bytearray | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes as they came from the network."""
        if self._at == len(self._data):
            self._data, self._at = data, 0
            return
        if isinstance(self._data, bytearray):
            del self._data[: self._at]
        else:
            self._data = bytearray(memoryview(self._data)[self._at :])
        self._at = 0
        self._data += data

    def next(self) -> tuple[int, bytes] | None:
        """The next message or control frame as (opcode, payload); None until more bytes come.

        Raises:
            FrameError: the bytes break the protocol or the limit.
        """
        while True:
            found = self._frame()
            if found is None or found[0] & 8:
                return found and (found[0] & 15, found[1])
            opcode, payload, last = found[0] & 7, found[1], found[0] & 0x80
            if opcode and last:
                return opcode, payload
            if opcode:
                self._opcode, self._message = opcode, bytearray(payload)
            elif self._message is not None:
                self._message += payload
                if last:
                    whole = self._opcode, bytes(self._message)
                    self._message = None
                    return whole

    def _frame(self) -> tuple[int, bytes] | None:
        """The next frame: its first byte, and its payload without the mask."""
        data, at = self._data, self._at
        have = len(data) - at
        if have < 2:
            return None
        first, size = data[at], data[at + 1] & 0x7F
        self._check(first, data[at + 1])
        head = 6
        if size > 125:
            wide = 2 if size == 126 else 8
            if have < 2 + wide:
                return None
            head += wide
            size = int.from_bytes(data[at + 2 : at + 2 + wide])
            if size < (126 if wide == 2 else 65536):
                raise FrameError(PROTOCOL_ERROR, "a length that could be shorter")
        if size + len(self._message or b"") > self._limit and not first & 8:
            raise FrameError(TOO_LARGE, "a message above the limit")
        if have < head + size:
            return None
        begin = at + head
        payload = _unmasked(data[begin : begin + size], data[begin - 4 : begin])
        self._at = begin + size
        if self._at == len(data):
            self._data, self._at = b"", 0
        return first, payload

    def _check(self, first: int, second: int) -> None:
        opcode = first & 15
        if first & 0x70:
            raise FrameError(PROTOCOL_ERROR, "reserved bits are set")
        if not second & 0x80:
            raise FrameError(PROTOCOL_ERROR, "a frame without its mask")
        if opcode & 8:
            if opcode > PONG or not first & 0x80 or second & 0x7F > 125:
                raise FrameError(PROTOCOL_ERROR, "an invalid control frame")
        elif opcode > BINARY or bool(opcode) == (self._message is not None):
            raise FrameError(PROTOCOL_ERROR, "a frame out of its order")


def _unmasked(payload: bytes | bytearray, mask: bytes | bytearray) -> bytes:
    # One addition of long integers is many times faster than a loop over the bytes.
    size = len(payload)
    key = (bytes(mask) * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")
