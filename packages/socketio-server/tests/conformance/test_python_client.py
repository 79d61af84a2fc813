"""python-socketio's client as a peer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import socketio

from .subject import Subject

Connect = Callable[..., Awaitable[Any]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """A function that makes a connected client; all leave at the end of the test."""
    async with AsyncExitStack() as stack:

        async def connect(url: str, **options: Any) -> Any:
            client = socketio.AsyncClient(reconnection=False)
            stack.push_async_callback(client.disconnect)
            await client.connect(url, **options)
            return client

        yield connect


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_events_acknowledgements_and_binary(subject: Subject, connect: Connect, transports: list[str]) -> None:
    client = await connect(subject.url, transports=transports)
    heard: asyncio.Queue[Any] = asyncio.Queue()
    client.on("echo", lambda *args: heard.put_nowait(args))
    client.on("answered", heard.put_nowait)
    client.on("question", lambda word: f"{word}, answered")
    assert await client.call("ack", ("one", b"\x02", {"three": [b"\x03"]}), timeout=10) == (
        "one",
        b"\x02",
        {"three": [b"\x03"]},
    )
    await client.emit("echo", (1, b"two"))
    assert await asyncio.wait_for(heard.get(), 10) == (1, b"two")
    await client.emit("ask", "asked")
    assert await asyncio.wait_for(heard.get(), 10) == "asked, answered"


async def test_namespaces(subject: Subject, connect: Connect) -> None:
    client = await connect(subject.url, namespaces=["/", "/custom"], auth={"token": "abc"})
    assert await client.call("ack", "custom", namespace="/custom", timeout=10) == "custom"
    assert await client.call("ack", "main", timeout=10) == "main"


async def test_a_refusal(subject: Subject, connect: Connect) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(subject.url, namespaces=["/secret"], auth={"token": "wrong"})
    client = await connect(subject.url, namespaces=["/secret"], auth={"token": "right"})
    assert await client.call("ack", 1, namespace="/secret", timeout=10) == 1


async def test_the_server_disconnects(subject: Subject, connect: Connect) -> None:
    client = await connect(subject.url)
    gone = asyncio.Event()
    client.on("disconnect", lambda *_: gone.set())
    await client.emit("kick", True)
    await asyncio.wait_for(gone.wait(), 10)


async def test_heartbeats(hasty: Subject, connect: Connect) -> None:
    client = await connect(hasty.url, transports=["websocket"])
    await asyncio.sleep(3)
    assert await client.call("ack", 1, timeout=10) == 1
