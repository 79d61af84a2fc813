"""Engine.IO 4: how a session ends, by either side."""

import asyncio

from .conftest import Keep
from .subject import Subject, ours_alone
from .wire import Polling, Raw, WebSocket


@ours_alone
async def test_a_close_packet_closes_the_websocket(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send("1")
    await client.closed()
    assert await _reason(subject, keep, client.id) == "transport close"


async def test_a_websocket_that_closes_ends_the_session(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.close()
    assert await _reason(subject, keep, client.id) == "transport close"


async def test_a_connection_that_breaks_ends_the_session(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    watcher = await keep(WebSocket.join(subject.url))
    before = len((await watcher.call("present"))[0])
    client.writer.transport.abort()
    async with asyncio.timeout(10):
        while len((await watcher.call("present"))[0]) >= before:
            await asyncio.sleep(0.05)


async def test_the_close_handshake_is_answered(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    client.send(8, b"\x03\xe8")
    opcode, payload = await client.frame()
    assert opcode == 8 and payload[:2] in (b"", b"\x03\xe8")
    assert await asyncio.wait_for(client.reader.read(), 10) == b""


async def test_the_server_closes_altogether(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send('42["kick",true]')
    await client.closed()
    assert await _reason(subject, keep, client.id) == "server namespace disconnect"


async def test_the_server_closes_a_polling_session(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    await client.post('42["kick",true]')
    packets: list[str] = []
    async with asyncio.timeout(10):
        while True:
            status, body = await client.get()
            if status != 200:
                break
            packets += body.split("\x1e")
    assert packets[0] in ("41", "1")
    assert status == 400


async def _reason(subject: Subject, keep: Keep, socket_id: str) -> str:
    """Why this socket has gone, as the application was told; exactly once."""
    watcher = await keep(WebSocket.join(subject.url))
    async with asyncio.timeout(10):
        while True:
            (reasons,) = await watcher.call("reasons")
            found = [reason for one, reason in reasons if one == socket_id]
            if found:
                assert len(found) == 1
                return str(found[0])
            await asyncio.sleep(0.05)
