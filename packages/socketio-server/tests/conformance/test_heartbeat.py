"""Engine.IO 4: the server asks every ping interval, and ends who does not answer within the time-out."""

import asyncio
import time

from .conftest import Keep
from .subject import Subject
from .wire import Polling, WebSocket


async def test_websocket_pings_come_and_pongs_keep_the_session(hasty: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(hasty.url))
    for _ in range(4):
        assert await client.text() == "2"
        await client.send("3")
    assert await client.call("ack", 1) == [1]


async def test_polling_pings_come_and_pongs_keep_the_session(hasty: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(hasty.url))
    for _ in range(4):
        assert await client.packets() == ["2"]
        assert (await client.post("3"))[0] == 200


async def test_the_first_ping_comes_after_the_interval(hasty: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(hasty.url))
    began = time.monotonic()
    assert await client.text() == "2"
    assert 0.2 < time.monotonic() - began < 5


async def test_a_websocket_without_pongs_is_closed(hasty: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(hasty.url))
    began = time.monotonic()
    await client.closed()
    assert time.monotonic() - began > 0.8
    witness = await keep(WebSocket.join(hasty.url))
    (reasons,) = await witness.call("reasons")
    assert [client.id, "ping timeout"] in reasons


async def test_a_polling_session_without_pongs_is_closed(hasty: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(hasty.url))
    assert await client.packets() == ["2"]
    async with asyncio.timeout(10):
        while (await client.get())[0] == 200:
            pass
    assert (await client.get())[0] == 400


async def test_a_polling_session_that_never_polls_is_closed(hasty: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(hasty.url))
    await asyncio.sleep(3)
    assert (await client.get())[0] == 400


async def test_pongs_that_nobody_asked_for_are_harmless(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.join(subject.url))
    await client.send("3", "3", "3")
    assert await client.call("ack", 1) == [1]


async def test_other_packets_are_no_pongs(hasty: Subject, keep: Keep) -> None:
    """Node's server counts any packet as a sign of life; both are within the protocol, silence is not."""
    client = await keep(WebSocket.join(hasty.url))
    await client.closed()
