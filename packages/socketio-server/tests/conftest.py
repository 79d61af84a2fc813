"""A server on loopback, and the plainest clients that speak its protocol."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from socketio_server import Namespace, Server


class Place:
    """A running server."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port
        self.url = f"http://127.0.0.1:{port}/socket.io/?EIO=4"
        self.gone: list[tuple[str, str]] = []
        self.http = httpx.AsyncClient(timeout=10)

    @property
    def main(self) -> Namespace:
        """The main namespace."""
        return self.server.of("/")

    @asynccontextmanager
    async def raw(self, query: str = "", **options: Any) -> AsyncIterator[ClientConnection]:
        """A WebSocket before Engine.IO's handshake is read."""
        url = self.url.replace("http", "ws") + "&transport=websocket" + query
        async with connect(url, compression=None, **options) as socket:
            yield socket

    @asynccontextmanager
    async def client(self, namespace: str = "/", auth: Any = None) -> AsyncIterator["Client"]:
        """A WebSocket that is connected to a namespace."""
        async with self.raw() as socket:
            client = Client(socket)
            await client.open()
            await client.connect(namespace, auth)
            yield client

    async def get(self, sid: str = "", **options: Any) -> httpx.Response:
        """A GET of long-polling."""
        return await self.http.get(f"{self.url}&transport=polling" + (f"&sid={sid}" if sid else ""), **options)

    async def post(self, sid: str, body: Any, **options: Any) -> httpx.Response:
        """A POST of long-polling."""
        return await self.http.post(f"{self.url}&transport=polling&sid={sid}", content=body, **options)

    async def polling(self, *, connect: bool = True) -> str:
        """Begin a session by polling; its id."""
        opened = (await self.get()).text
        assert opened[0] == "0"
        sid = str(json.loads(opened[1:])["sid"])
        if connect:
            assert (await self.post(sid, "40")).text == "ok"
            assert (await self.get(sid)).text.startswith('40{"sid":')
        return sid


class Client:
    """A WebSocket client that speaks by packets."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.sid = ""

    async def open(self) -> dict[str, Any]:
        """Read Engine.IO's handshake."""
        text = await self.recv()
        assert text[0] == "0"
        return dict(json.loads(text[1:]))

    async def connect(self, namespace: str = "/", auth: Any = None) -> None:
        """Connect to a namespace."""
        prefix = "" if namespace == "/" else namespace + ","
        await self.send("40" + prefix + ("" if auth is None else json.dumps(auth)))
        answer = await self.recv()
        assert answer.startswith("40" + prefix), answer
        self.sid = json.loads(answer[2 + len(prefix) :])["sid"]

    async def send(self, *packets: str | bytes) -> None:
        """Send packets."""
        for packet in packets:
            await self.socket.send(packet)

    async def recv(self) -> Any:
        """The next packet."""
        async with asyncio.timeout(5):
            return await self.socket.recv()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


Start = Callable[..., Awaitable[Place]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts servers: `await start(ping_interval=0.2)`."""
    running: list[tuple[uvicorn.Server, asyncio.Task[None], Place]] = []

    async def begin(*, raw: bool = True, **options: Any) -> Place:
        server = Server(**options)
        ws: Any = server.protocol_class() if raw else "websockets-sansio"
        config = uvicorn.Config(
            server.asgi, port=0, ws=ws, lifespan="off", log_config=None, timeout_graceful_shutdown=2
        )
        http = uvicorn.Server(config)
        http.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(http.serve())
        await until(lambda: http.started)
        place = Place(server, http.servers[0].sockets[0].getsockname()[1])

        async def gone(socket: Any, reason: str) -> None:
            place.gone.append((socket.id, reason))

        place.main.on_disconnect(gone)
        running.append((http, task, place))
        return place

    yield begin
    for http, task, place in running:
        await place.http.aclose()
        await place.server.close()
        http.should_exit = True
        await task
