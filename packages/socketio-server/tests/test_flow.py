"""Clients that do not read, large rooms, bytes that are cut and joined: what a transport does to a session."""

import asyncio
import gc
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from socketio_server import QueuePolicy, pace, rounds
from socketio_server.frames import CLOSE, unpack


class _Deaf:
    """A client that does not read from its connection until it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, place: Any) -> "_Deaf":
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port, limit=1 << 14)
        writer.write(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x81\x82" + bytes(4) + b"40")
        await reader.readuntil(b'40{"sid":"')
        await reader.readuntil(b"}")
        return cls(reader, writer)

    async def read(self) -> list[tuple[int, bytes]]:
        """Read all until the connection ends."""
        return unpack(await self.reader.read(-1))


def _only(place: Any) -> Any:
    (session,) = place.server.sessions.values()
    (socket,) = place.main.sockets.values()
    return session, socket


async def _fill(place: Any, number: int = 400, size: int = 50_000) -> None:
    for index in range(number):
        place.main.emit("filler", index, "x" * size)
        await asyncio.sleep(0)


async def test_what_waits_for_a_client_is_bounded_and_the_rest_is_dropped(start: Any) -> None:
    place = await start(queue=QueuePolicy(max_packets=5, max_bytes=100_000))
    deaf = await _Deaf.connect(place)
    session, socket = _only(place)
    await _fill(place)
    assert session.outbox.packets <= 5 and session.outbox.size <= 100_000 and session.outbox.dropped > 100
    socket.emit("state", 1, key="state", policy="coalesce")
    reading = asyncio.ensure_future(deaf.reader.read(-1))
    while session.outbox:
        await asyncio.sleep(0.01)
    socket.emit("after")
    socket.disconnect(close=True)
    got = [payload for _opcode, payload in unpack(await reading)]
    numbers = [json.loads(payload[2:])[1] for payload in got if payload.startswith(b'42["filler"')]
    assert numbers == sorted(numbers) and len(numbers) < 400
    assert got[-3:-1] == [b'42["after"]', b"41"]


async def test_a_message_of_the_same_key_replaces_the_one_that_waits(start: Any) -> None:
    place = await start(queue=QueuePolicy(max_bytes=300_000))
    deaf = await _Deaf.connect(place)
    session, socket = _only(place)
    await _fill(place)
    while session.outbox.size > 240_000:
        session.outbox.take()
    for number in range(1000):
        place.main.emit("state", number, key="state", policy="coalesce")
        socket.emit("other", number, key="other", policy="coalesce")
    await asyncio.sleep(0.01)
    reading = asyncio.ensure_future(deaf.reader.read(-1))
    while session.outbox:
        await asyncio.sleep(0.01)
    socket.disconnect(close=True)
    got = [payload for _opcode, payload in unpack(await reading)]
    assert [payload for payload in got if b"filler" not in payload][:2] == [b'42["state",999]', b'42["other",999]']


async def test_what_the_transport_keeps_counts_among_what_waits(start: Any) -> None:
    place = await start(queue=QueuePolicy(max_bytes=300_000))
    deaf = await _Deaf.connect(place)
    session, _socket = _only(place)
    await _fill(place)
    assert session.outbox.dropped
    assert session.outbox.size + session.link.transport.get_write_buffer_size() <= 300_000
    deaf.writer.close()


async def test_what_was_sent_in_one_turn_is_bounded_too_however_much_it_is(start: Any) -> None:
    place = await start()
    deaf = await _Deaf.connect(place)
    session, socket = _only(place)
    for index in range(400):
        place.main.emit("filler", index, "x" * 50_000)
    await asyncio.sleep(0.01)
    unsent = session.link.transport.get_write_buffer_size()
    assert 0 < unsent < 64 * 1024 + 60_000
    assert session.outbox.dropped and session.outbox.size + unsent <= 1 << 20
    reading = asyncio.ensure_future(deaf.reader.read(-1))
    while session.outbox:
        await asyncio.sleep(0.01)
    socket.disconnect(close=True)
    got = [payload for _opcode, payload in unpack(await reading)]
    numbers = [json.loads(payload[2:])[1] for payload in got if payload.startswith(b'42["filler"')]
    assert numbers == list(range(len(numbers))), "what fits is the beginning, whole and in order"


async def test_a_client_whose_queue_is_full_may_be_disconnected(start: Any) -> None:
    place = await start(queue=QueuePolicy(overflow="disconnect"))
    deaf = await _Deaf.connect(place)
    async with place.client() as other:
        place.main.on("echo", _echo)
        for _ in range(400):
            place.main.emit("filler", "x" * 50_000)
            await other.recv()
        assert [reason for _sid, reason in place.gone] == ["transport error"]
        await other.send('421["echo"]')
        assert await other.recv() == "431[]"
    deaf.writer.close()


async def _echo(_socket: Any, *args: Any) -> Any:
    return args


async def test_a_client_that_takes_nothing_goes(start: Any) -> None:
    place = await start(queue=QueuePolicy(max_bytes=100_000, stall_seconds=0.3), ping_interval=1, ping_timeout=1)
    deaf = await _Deaf.connect(place)
    await _fill(place)
    assert place.server.sessions
    async with asyncio.timeout(3):
        while not place.gone:
            await asyncio.sleep(0.01)
    assert place.gone[0][1] == "transport error" and not place.server.sessions and not place.server.links
    deaf.writer.close()


async def test_a_good_bye_that_nobody_reads_is_waited_for_only_so_long(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("socketio_server.websocket.CLOSE_SECONDS", 0.2)
    place = await start(ping_interval=1, ping_timeout=1)
    deaf = await _Deaf.connect(place)
    _session, socket = _only(place)
    await _fill(place)
    socket.disconnect(close=True)
    async with asyncio.timeout(3):
        while place.server.links:
            await asyncio.sleep(0.01)
    deaf.writer.close()


async def test_large_rooms_are_written_to_in_slices_and_stay_in_order(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(rounds, "FEW", 2)
    monkeypatch.setattr(pace, "FEW", 2)
    monkeypatch.setattr(pace, "SLICE_SECONDS", 0)
    place = await start()
    clients = []
    async with asyncio.TaskGroup() as group:
        done = asyncio.Event()

        async def one() -> None:
            async with place.client() as client:
                clients.append(client)
                await done.wait()

        for _ in range(7):
            group.create_task(one())
        while len(clients) < 7:
            await asyncio.sleep(0.01)
        for number in range(20):
            place.main.emit("n", number)
            await asyncio.sleep(0)
            for socket in list(place.main.sockets.values())[::3]:
                socket.emit("own", number)
            if number == 10:
                place.main.sockets[clients[6].sid].disconnect()
        for client in clients[:6]:
            got = [json.loads((await client.recv())[2:]) for _ in range(20)]
            while len([name for name, _number in got if name == "n"]) < 20:
                got.append(json.loads((await client.recv())[2:]))
            assert [number for name, number in got if name == "n"] == list(range(20))
            last = -1
            for name, number in got:
                assert name == "n" or number <= last
                last = number if name == "n" else last
        done.set()


async def test_control_frames_and_the_close_handshake(start: Any) -> None:
    place = await start()
    deaf = await _Deaf.connect(place)
    deaf.writer.write(b"\x89\x84" + bytes(4) + b"ping" + b"\x8a\x80" + bytes(4) + b"\x88\x82" + bytes(4) + b"\x0b\xb8")
    assert await deaf.read() == [(10, b"ping"), (CLOSE, b"\x0b\xb8")]
    assert [reason for _sid, reason in place.gone] == ["transport close"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x01x", 1002),
        (b"\xc1\x81" + bytes(4) + b"3", 1002),
        (b"\x81\x81" + bytes(4) + b"\xff", 1007),
        (b"\x82\xff" + (16 << 20).to_bytes(8) + bytes(4), 1009),
        (b"\x88\x81" + bytes(4) + b"x", 1002),
        (b"\x82\x81" + bytes(4) + b"x", 1002),
    ],
)
async def test_malformed_frames_close_with_their_code(start: Any, sent: bytes, code: int) -> None:
    place = await start()
    deaf = await _Deaf.connect(place)
    deaf.writer.write(sent)
    (_opcode, payload) = (await deaf.read())[-1]
    assert int.from_bytes(payload[:2]) == code
    assert place.gone[0][1] == "parse error" and not place.server.sessions


async def test_a_flood_of_small_messages_leaves_the_loop_its_turns(start: Any) -> None:
    place = await start()
    place.main.on("echo", _echo)
    async with place.client() as other:
        deaf = await _Deaf.connect(place)
        deaf.writer.write((b"\x81\x81" + bytes(4) + b"3") * 100_000)
        await other.send('421["echo"]')
        assert await other.recv() == "431[]"
        deaf.writer.write(b"\x88\x82" + bytes(4) + b"\x03\xe8")
        assert (await deaf.read())[-1][0] == CLOSE


async def test_a_flood_of_events_is_handled_in_turns(start: Any) -> None:
    place = await start()
    handled, steps = 0, [0]

    async def count(_socket: Any) -> None:
        nonlocal handled
        handled += 1

    async def watch() -> None:
        while True:
            before = handled
            await asyncio.sleep(0)
            steps.append(handled - before)

    place.main.on("said", count)
    deaf = await _Deaf.connect(place)
    watching = asyncio.create_task(watch())
    deaf.writer.write((b"\x81\x8a" + bytes(4) + b'42["said"]') * 10_000)
    async with asyncio.timeout(20):
        while handled < 10_000:
            await asyncio.sleep(0.01)
    watching.cancel()
    assert max(steps) < 200


async def test_compression_is_not_offered(start: Any) -> None:
    place = await start()
    async with place.raw(additional_headers={"Sec-WebSocket-Extensions": "permessage-deflate"}) as socket:
        assert socket.response is not None and "Sec-WebSocket-Extensions" not in socket.response.headers
        await socket.recv()
        await socket.send("x")
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_nothing_is_left_of_a_socket_that_has_gone(start: Any) -> None:
    """Not even for the collector of cycles: thousands come and go at once."""
    place = await start()
    place.main.on("echo", _echo)
    gc.collect()
    gc.disable()
    try:
        async with place.client() as client:
            await client.send('421["echo"]')
            assert await client.recv() == "431[]"
            assert not _left("HttpToolsProtocol")
            assert _left("Session", "Protocol", "Socket", "Incoming") == 4
        async with asyncio.timeout(5):
            while place.server.links or place.main.sockets:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert not _left("Session", "Protocol", "Socket", "Incoming", "Handshake")
    finally:
        gc.enable()


def _left(*names: str) -> int:
    ours = [type(thing) for thing in gc.get_objects()]
    return sum(kind.__name__ in names and kind.__module__.startswith(("socketio_server", "uvicorn")) for kind in ours)
