"""How large a picture would be once it is unpacked, read from its header alone as its bytes come in.

A few kilobytes of PNG can say that they are 60,000 by 60,000 pixels: 14 GB in the memory of whoever shows them. Nothing
is decoded here. Each reader is a generator that asks for the next bytes (`n`) or leaves some out (`-n`), so that a
JPEG's embedded profile of megabytes costs no memory; none ever holds more than READ_AT_ONCE bytes.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Final

Size = tuple[int, int]
Reader = Generator[int, bytes, Size | None]

READ_AT_ONCE: Final = 64
"""Most bytes that a reader asks for."""

MOST_STEPS: Final = 10_000
"""A header that takes more steps was made to keep a processor busy; real ones take some dozens."""

_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN, _END = 0xDA, 0xD9


class Unmeasurable(Exception):
    """The header has no end."""


class Measure:
    """Takes a picture's bytes in order; `size` is its width and height in pixels once they are known."""

    def __init__(self, kind: str) -> None:
        self.size: Size | None = None
        self._steps = 0
        made = READERS.get(kind)
        self._reader = made() if made is not None else None
        self._held = b""
        self._wanted = next(self._reader) if self._reader is not None else 0

    def take(self, chunk: bytes) -> None:
        """Look at the next bytes.

        Raises:
            Unmeasurable: they go on and on without telling the size.
        """
        rest = memoryview(chunk)
        while self._reader is not None and rest:
            if self._wanted < 0:
                left_out = min(-self._wanted, len(rest))
                self._wanted += left_out
                rest = rest[left_out:]
            else:
                missing = self._wanted - len(self._held)
                self._held += bytes(rest[:missing])
                rest = rest[missing:]
                if len(self._held) < self._wanted:
                    return
            if self._wanted >= 0:
                self._go_on()

    def _go_on(self) -> None:
        assert self._reader is not None
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Unmeasurable()
        held, self._held = self._held, b""
        try:
            self._wanted = self._reader.send(held)
            while self._wanted == 0:
                self._wanted = self._reader.send(b"")
        except StopIteration as end:
            self.size, self._reader = end.value, None


def _png() -> Reader:
    """PNG (ISO/IEC 15948, 11.2.2): IHDR is the first chunk."""
    head = yield 24
    return _big(head[16:20]), _big(head[20:24])


def _gif() -> Reader:
    """GIF89a, 18 to 20: the screen; browsers make it as large as the first frame where that is larger."""
    head = yield 13
    width, height = _little(head[6:8]), _little(head[8:10])
    if head[10] & 0x80:
        yield -(3 << ((head[10] & 0x07) + 1))
    while (block := (yield 1)[0]) == 0x21:  # An extension: its label, then pieces with their length before them.
        yield 1
        while length := (yield 1)[0]:
            yield -length
    if block == 0x2C:
        frame = yield 8
        width = max(width, _little(frame[0:2]) + _little(frame[4:6]))
        height = max(height, _little(frame[2:4]) + _little(frame[6:8]))
    return width, height


def _bmp() -> Reader:
    """BMP: BITMAPCOREHEADER has 16 bits a side, all others 32; a negative height is a picture from top to bottom."""
    head = yield 26
    if _little(head[14:18]) == 12:
        return _little(head[18:20]), _little(head[20:22])
    return (
        abs(int.from_bytes(head[18:22], "little", signed=True)),
        abs(int.from_bytes(head[22:26], "little", signed=True)),
    )


def _webp() -> Reader:
    """WebP (RFC 9649, 2.5 to 2.7): lossy, lossless, or extended with a canvas."""
    head = yield 30
    match head[12:16]:
        case b"VP8 ":
            return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
        case b"VP8L":
            bits = _little(head[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    return None


def _jpeg() -> Reader:
    """JPEG (ITU-T T.81, B.1 and B.2.2): segments with their length before them; the frame's has the size."""
    yield 2
    while True:
        while (yield 1) != b"\xff":  # As decoders do: whatever stands between segments is left out.
            pass
        while (marker := (yield 1)[0]) == 0xFF:
            pass
        if marker in _BARE or marker == 0:
            continue
        if marker in (_SCAN, _END):
            return None
        length = _big((yield 2)) - 2
        if marker in _FRAMES and length >= 5:
            frame = yield 5
            return _big(frame[3:5]), _big(frame[1:3])
        yield -max(0, length)


READERS: Final[Mapping[str, Callable[[], Reader]]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/webp": _webp,
    "image/jpeg": _jpeg,
}


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
