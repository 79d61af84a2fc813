"""The server on a port of its own, spoken to byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from rostrum.main import App
from rostrum.serving import Server, bind

Talk = Callable[..., Awaitable[bytes]]


@dataclass
class Wire:
    """A server that listens; `talk` sends bytes and gives back all that comes until the server closes."""

    port: int

    async def talk(self, *pieces: bytes, pause: float = 0.0, seconds: float = 20.0, end: bool = False) -> bytes:
        """Send the pieces with a pause between them; `end` closes our side after the last one."""
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**26)
            got = asyncio.ensure_future(reader.read(-1))
            try:
                for number, piece in enumerate(pieces):
                    if number:
                        await asyncio.sleep(pause)
                    writer.write(piece)
                    await writer.drain()
                if end:
                    writer.write_eof()
            except ConnectionError:
                pass  # It has closed; what it said before is what we want.
            try:
                return await got
            finally:
                writer.close()


@pytest.fixture
async def wire(app: App) -> AsyncIterator[Wire]:
    """The server as it is in production, without media workers."""
    listener = bind("127.0.0.1", 0)
    server = Server(app, lambda _app: None, None)
    server.config.lifespan = "off"
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield Wire(listener.getsockname()[1])
    server.should_exit = True
    await serving
