"""Servers under test, and clients that are closed at the end of their test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from .subject import Subject
from .wire import Polling, Raw, WebSocket

Keep = Callable[[Awaitable[Any]], Awaitable[Any]]


@pytest.fixture(scope="session")
def make_subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Subject]]:
    """A function that starts a server with options; all stop at the end of the run."""
    folder = tmp_path_factory.mktemp("conformance")
    running: list[Subject] = []

    def make(**options: Any) -> Subject:
        running.append(Subject(folder / f"{len(running)}.log", **options))
        return running[-1]

    yield make
    for subject in running:
        subject.stop()


@pytest.fixture(scope="session")
def subject(make_subject: Callable[..., Subject]) -> Subject:
    """A server with the usual, calm heartbeat."""
    return make_subject()


@pytest.fixture(scope="session")
def hasty(make_subject: Callable[..., Subject]) -> Subject:
    """A server with a quick heartbeat: 0.5 s, 0.8 s for the answer, 1.5 s for the connection to a namespace."""
    return make_subject(pingInterval=0.5, pingTimeout=0.8, connectTimeout=1.5)


@pytest.fixture
async def keep() -> AsyncIterator[Keep]:
    """A function that awaits a client and closes it when the test ends."""
    async with AsyncExitStack() as stack:

        async def keep(opening: Awaitable[WebSocket | Polling | Raw]) -> WebSocket | Polling | Raw:
            client = await opening
            stack.push_async_callback(client.close)
            return client

        yield keep
