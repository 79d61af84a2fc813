"""RFC 6455 and S12: frames that are allowed, and those that fail the connection with which code."""

import asyncio
import json
import zlib

import pytest

from .conftest import Keep
from .subject import Subject, ours_alone
from .wire import QUIET, Raw, WebSocket, frame

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
ECHO = b'42["echo",1]'


async def _echoes(client: Raw) -> None:
    assert await client.frame() == (TEXT, ECHO)


async def test_a_frame_in_single_bytes(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    for byte in frame(TEXT, ECHO):
        client.writer.write(bytes([byte]))
        await client.writer.drain()
        await asyncio.sleep(0.002)
    await _echoes(client)


async def test_many_frames_in_one_packet_of_the_network(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    client.writer.write(b"".join(frame(TEXT, b'42["echo",%d]' % number) for number in range(200)))
    assert [await client.frame() for _ in range(200)] == [(TEXT, b'42["echo",%d]' % number) for number in range(200)]


async def test_fragments_make_one_message(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    client.send(TEXT, ECHO[:3], fin=False)
    client.send(0, b"", fin=False)
    client.send(0, ECHO[3:7], fin=False)
    client.send(0, ECHO[7:])
    await _echoes(client)


async def test_control_frames_may_come_between_fragments(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    client.send(TEXT, ECHO[:5], fin=False)
    client.send(PING, b"now")
    client.send(PONG, b"unasked")
    client.send(0, ECHO[5:])
    assert await client.frame() == (PONG, b"now")
    await _echoes(client)


async def test_a_character_may_be_cut_by_fragments(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    whole = '42["echo","€🎉"]'.encode()
    for number, byte in enumerate(whole):
        client.send(0 if number else TEXT, bytes([byte]), fin=number == len(whole) - 1)
    opcode, payload = await client.frame()
    assert opcode == TEXT and json.loads(payload[2:]) == ["echo", "€🎉"]


async def test_fragments_of_a_binary_part(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    client.send(TEXT, b'451-["echo",{"_placeholder":true,"num":0}]')
    client.send(BINARY, b"\x01\x02", fin=False)
    client.send(0, b"\x03")
    assert (await client.frame())[0] == TEXT
    assert await client.frame() == (BINARY, b"\x01\x02\x03")


@pytest.mark.parametrize("payload", [b"", b"x" * 125, bytes(range(100))])
async def test_a_ping_is_answered_with_its_payload(subject: Subject, keep: Keep, payload: bytes) -> None:
    client = await keep(Raw.join(subject.port))
    client.send(PING, payload)
    assert await client.frame() == (PONG, payload)


@pytest.mark.parametrize("size", [100, 125, 126, 127, 65_535, 65_536, 200_000])
async def test_every_width_of_a_length(subject: Subject, keep: Keep, size: int) -> None:
    client = await keep(Raw.join(subject.port))
    payload = b'42["echo","' + b"x" * (size - 13) + b'"]'
    assert len(payload) == size
    client.send(TEXT, payload)
    assert await client.frame() == (TEXT, payload)


@pytest.mark.parametrize(
    ("broken", "codes"),
    [
        pytest.param(frame(TEXT, ECHO, masked=False), {1002}, id="unmasked"),
        pytest.param(frame(TEXT, ECHO, reserved=4), {1002}, id="compressed without being agreed on"),
        pytest.param(frame(TEXT, ECHO, reserved=2), {1002}, id="reserved bit 2"),
        pytest.param(frame(TEXT, ECHO, reserved=1), {1002}, id="reserved bit 3"),
        pytest.param(frame(3, b""), {1002}, id="opcode 3"),
        pytest.param(frame(7, b"x"), {1002}, id="opcode 7"),
        pytest.param(frame(11, b""), {1002}, id="opcode 11"),
        pytest.param(frame(15, b""), {1002}, id="opcode 15"),
        pytest.param(frame(PING, b"x" * 126), {1002}, id="a ping of 126 bytes"),
        pytest.param(frame(PING, b"x", fin=False), {1002}, id="a ping in fragments"),
        pytest.param(frame(CLOSE, b"\x03\xe8", fin=False), {1002}, id="a close in fragments"),
        pytest.param(frame(0, b"x"), {1002}, id="a continuation of nothing"),
        pytest.param(frame(TEXT, b"4", fin=False) + frame(TEXT, b"2"), {1002}, id="a message within another"),
        pytest.param(frame(TEXT, b"4", fin=False) + frame(BINARY, b"2"), {1002}, id="binary within a text"),
        pytest.param(frame(TEXT, b'42["echo","\xff"]'), {1007}, id="not UTF-8"),
        pytest.param(frame(TEXT, b'42["echo","\xed\xa0\x80"]'), {1007}, id="half a surrogate pair"),
        pytest.param(frame(TEXT, b'42["echo","\xc0\x80"]'), {1007}, id="overlong UTF-8"),
        pytest.param(frame(TEXT, b'42["echo","\xe2\x82'), {1007}, id="UTF-8 that breaks off"),
        pytest.param(frame(CLOSE, b"\x03"), {1002}, id="a close of one byte"),
        pytest.param(frame(CLOSE, b"\x03\xed"), {1002}, id="close code 1005"),
        pytest.param(frame(CLOSE, b"\x03\xee"), {1002}, id="close code 1006"),
        pytest.param(frame(CLOSE, b"\x00\x00"), {1002}, id="close code 0"),
        pytest.param(frame(CLOSE, b"\xff\xff"), {1002}, id="close code 65535"),
        pytest.param(frame(CLOSE, b"\x03\xe8\xff"), {1002, 1007}, id="a reason that is not UTF-8"),
    ],
)
async def test_a_frame_against_the_rules_fails_the_connection(
    subject: Subject, keep: Keep, broken: bytes, codes: set[int]
) -> None:
    client = await keep(Raw.join(subject.port))
    client.writer.write(broken)
    assert await client.closed() in codes
    other = await keep(WebSocket.join(subject.url))
    assert await other.call("ack", 1) == [1]


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 3000, 4999])
async def test_a_close_code_that_may_be_sent_is_answered_in_kind(subject: Subject, keep: Keep, code: int) -> None:
    client = await keep(Raw.join(subject.port))
    client.send(CLOSE, code.to_bytes(2, "big") + "bye €".encode())
    opcode, payload = await client.frame()
    assert opcode == CLOSE and (not payload or int.from_bytes(payload[:2], "big") == code)


@ours_alone
async def test_lengths_that_could_be_shorter_fail_the_connection(subject: Subject, keep: Keep) -> None:
    for head in (b"\x81\xfe\x00\x03", b"\x81\xff" + (3).to_bytes(8, "big")):
        client = await keep(Raw.join(subject.port))
        client.writer.write(head + b"\0\0\0\0421")
        assert await client.closed() == 1002


async def test_nothing_is_answered_after_a_close_frame(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    client.writer.write(frame(CLOSE, b"\x03\xe8") + frame(TEXT, ECHO) + frame(PING, b"x"))
    opcode, _payload = await client.frame()
    assert opcode == CLOSE
    assert await asyncio.wait_for(client.reader.read(), 10) == b""


async def test_a_frame_of_16_mib_is_refused_by_its_header(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    before = subject.memory()
    client.writer.write(b"\x81\xff" + (16 << 20).to_bytes(8, "big") + bytes(4) + b"42")
    assert await client.closed() == 1009
    assert subject.memory() - before < 8 << 20


async def test_frames_that_come_to_16_mib_by_fragments_are_refused(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    closing = asyncio.ensure_future(client.closed())
    before = subject.memory()
    client.send(TEXT, b"x" * 300_000, fin=False)
    for _ in range(53):
        if closing.done():
            break
        try:
            client.send(0, b"x" * 300_000, fin=False)
            await asyncio.wait_for(client.writer.drain(), 1)
        except (ConnectionError, TimeoutError):
            break
    assert await closing in (1009, None)  # The close frame is lost when the network tells of its end first.
    assert subject.memory() - before < 16 << 20


@ours_alone
async def test_a_message_of_many_attachments_is_limited_as_a_whole(make_subject: object, keep: Keep) -> None:
    subject: Subject = make_subject(maxPayload=100_000)  # type: ignore[operator]
    client = await keep(WebSocket.join(subject.url))
    holders = [{"_placeholder": True, "num": number} for number in range(16)]
    before = subject.memory()
    try:
        await client.send("4516-" + json.dumps(["echo", *holders]), *([b"x" * 90_000] * 16))
        await client.closed()
    except ConnectionError:
        pass
    assert subject.memory() - before < 8 << 20


async def test_a_bomb_of_compressed_frames_is_refused_unread(subject: Subject, keep: Keep) -> None:
    client = await keep(
        Raw.connect(subject.port, "EIO=4&transport=websocket", "Sec-WebSocket-Extensions: permessage-deflate")
    )
    assert b"permessage-deflate" not in client.answer.lower()
    before = subject.memory()
    packer = zlib.compressobj(9, wbits=-15)
    bomb = packer.compress(b"4" + bytes(64 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)
    client.send(TEXT, bomb[:-4], reserved=4)
    assert await client.closed() == 1002
    assert subject.memory() - before < 8 << 20


@ours_alone
async def test_an_endless_header_is_no_way_in(subject: Subject) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    before = subject.memory()
    writer.write(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n")
    try:
        for number in range(2000):
            writer.write(b"X-Filler-%d: %s\r\n" % (number, b"x" * 1000))
            await asyncio.wait_for(writer.drain(), 2)
        await asyncio.wait_for(reader.read(), QUIET)
    except (ConnectionError, TimeoutError):
        pass
    finally:
        writer.close()
    assert subject.memory() - before < 16 << 20
