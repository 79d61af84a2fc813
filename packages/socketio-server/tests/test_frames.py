"""RFC 6455 frames, byte by byte."""

import os
import random

import pytest

from socketio_server import FrameError, frames
from socketio_server.frames import FrameReader


def masked(opcode: int, payload: bytes, *, fin: bool = True, key: bytes = b"\x01\x02\x03\x04", rsv: int = 0) -> bytes:
    """A client's frame."""
    size = len(payload)
    first = (0x80 if fin else 0) | rsv | opcode
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = bytes((first, 0xFE)) + size.to_bytes(2)
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8)
    return head + key + bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def read(data: bytes, limit: int = 1 << 20) -> list[tuple[int, bytes]]:
    """All messages in it."""
    reader = FrameReader(limit)
    reader.feed(data)
    found = []
    while (message := reader.next()) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 65535, 65536, 100_000])
def test_sizes(size: int) -> None:
    payload = os.urandom(size)
    assert read(masked(2, payload, key=os.urandom(4))) == [(2, payload)]
    wire = frames.frame(2, payload) + frames.frame(1, b"x")
    assert frames.unpack(wire) == [(2, payload), (1, b"x")]
    assert frames.count(wire) == 2


def test_fragments_with_control_frames_between() -> None:
    data = masked(1, b"one ", fin=False) + masked(9, b"ping") + masked(0, b"two", fin=False) + masked(0, b"!")
    assert read(data) == [(9, b"ping"), (1, b"one two!")]


def test_any_cut_gives_the_same_messages() -> None:
    stream = b"".join(
        [
            masked(1, b"a" * 200, fin=False),
            masked(8, b"\x03\xe8"),
            masked(0, b""),
            masked(2, b"b" * 70000),
            masked(1, b""),
        ]
    )
    whole = read(stream)
    chance = random.Random(5)
    for _ in range(50):
        reader, found, at = FrameReader(1 << 20), [], 0
        while at < len(stream):
            step = chance.choice([1, 2, 7, 100, 30000])
            reader.feed(stream[at : at + step])
            at += step
            while (message := reader.next()) is not None:
                found.append(message)
        assert found == whole


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frames.frame(1, b"no mask"), 1002),
        (masked(1, b"x", rsv=0x40), 1002),
        (masked(3, b"x"), 1002),
        (masked(11, b"x"), 1002),
        (masked(9, b"x", fin=False), 1002),
        (masked(9, b"x" * 126), 1002),
        (masked(0, b"x"), 1002),
        (masked(1, b"x", fin=False) + masked(1, b"x"), 1002),
        (b"\x81\xfe\x00\x05" + bytes(9), 1002),
        (b"\x81\xff" + (5).to_bytes(8) + bytes(9), 1002),
        (b"\x82\xff" + (1 << 63).to_bytes(8) + bytes(4), 1009),
        (masked(2, b"x" * 1001)[:8], 1009),
        (masked(2, b"x" * 600, fin=False) + masked(0, b"x" * 600), 1009),
    ],
)
def test_what_is_not_allowed(data: bytes, code: int) -> None:
    with pytest.raises(FrameError) as failed:
        read(data, limit=1000)
    assert failed.value.code == code


@pytest.mark.parametrize("payload", [b"\x03", b"\x00\x01", b"\x03\xec", b"\x03\xed", b"\x13\x88", b"\x03\xe8\xff"])
def test_close_codes_that_may_not_be_sent(payload: bytes) -> None:
    with pytest.raises(FrameError):
        frames.parse_close(payload)


def test_close_codes() -> None:
    assert frames.parse_close(b"") == (1005, "")
    assert frames.parse_close(b"\x03\xe8bye") == (1000, "bye")
    assert frames.parse_close(b"\x0b\xb8") == (3000, "")
    assert len(frames.close_frame(1000, "ä" * 100)) <= 127
    with pytest.raises(FrameError):
        frames.decode_text(b"\xff")
