"""S16, S17: how many connections, sessions without a handshake, floods of events; the others are still served."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from .conftest import Keep
from .subject import Subject, ours_alone
from .wire import Gone, Polling, Raw, WebSocket, frame

pytestmark = ours_alone


async def test_connections_are_limited(make_subject: Callable[..., Subject], keep: Keep) -> None:
    subject = make_subject(maxConnections=3)
    members = [await keep(WebSocket.join(subject.url)) for _ in range(3)]
    await _full(subject, keep)
    await members[0].close()
    await _room(subject, keep)


async def test_connections_of_one_address_are_limited(make_subject: Callable[..., Subject], keep: Keep) -> None:
    subject = make_subject(maxConnectionsPerAddress=3)
    members = [await keep(WebSocket.join(subject.url)), *[await keep(Polling.join(subject.url)) for _ in range(2)]]
    await _full(subject, keep)
    await members[1].post("1")
    await _room(subject, keep)


async def _full(subject: Subject, keep: Keep) -> None:
    poller = await keep(_polling(subject))
    assert (await poller.request("GET", "EIO=4&transport=polling"))[0] in (400, 429, 503)
    with pytest.raises((aiohttp.WSServerHandshakeError, Gone)):
        await (await WebSocket.connect(subject.url)).text()


async def _room(subject: Subject, keep: Keep) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await keep(WebSocket.join(subject.url))
                return
            except (aiohttp.WSServerHandshakeError, Gone):
                await asyncio.sleep(0.05)


async def test_sessions_without_a_handshake_go_by_themselves(hasty: Subject, keep: Keep) -> None:
    before = hasty.descriptors()
    for _ in range(100):
        await keep(Raw.connect(hasty.port))
    assert hasty.descriptors() >= before + 100
    await hasty.settled(before + 5)


async def test_a_flood_of_one_socket_does_not_hold_up_the_others(subject: Subject, keep: Keep) -> None:
    quiet = await keep(WebSocket.join(subject.url))
    flooder = await keep(Raw.join(subject.port))
    await quiet.call("ack", 0)
    stop = asyncio.Event()
    blob = b"".join(frame(1, b'42["nothing",1]') for _ in range(500))

    async def flood() -> None:
        while not stop.is_set():
            flooder.writer.write(blob)
            await flooder.writer.drain()
            await asyncio.sleep(0)

    flooding = asyncio.ensure_future(flood())
    slowest = 0.0
    for number in range(50):
        began = time.monotonic()
        assert await quiet.call("ack", number) == [number]
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(0.02)
    stop.set()
    flooding.cancel()
    assert slowest < 3  # Generous: client and server share two cores with all else; a starved loop takes for ever.


async def test_a_flood_that_nobody_reads_the_answers_of_is_bounded(subject: Subject, keep: Keep) -> None:
    client = await keep(Raw.join(subject.port))
    client.writer.transport.pause_reading()
    before = subject.memory()
    request = '42["echo","' + "x" * 10_000 + '"]'
    for _ in range(3000):
        client.send(1, request.encode())
        try:
            await asyncio.wait_for(client.writer.drain(), 0.5)
        except (TimeoutError, ConnectionError):
            break
    await asyncio.sleep(0.5)
    assert subject.memory() - before < 16 << 20
    other = await keep(WebSocket.join(subject.url))
    assert await other.call("ack", 1) == [1]


async def test_a_body_that_drips_is_given_up(make_subject: Callable[..., Subject], keep: Keep) -> None:
    subject = make_subject(pingInterval=0.5, pingTimeout=0.8)
    client = await keep(Polling.join(subject.url))
    reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    writer.write(
        f"POST /socket.io/?{client.query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n42".encode()
    )
    try:
        async with asyncio.timeout(60):  # The session ends by its heartbeat, the request by the server's own bound.
            while await reader.read(1024):
                pass
    finally:
        writer.close()


async def _polling(subject: Subject) -> Polling:
    return Polling(subject.url)
