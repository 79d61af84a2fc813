"""A whole server on loopback with a real media worker, and clients that speak the events of the contract."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio
from pydantic import SecretStr
from redis_server import RedisServer, running_redis
from rostrum.auth.service import NewUser
from rostrum.main import App, create_app
from rostrum.rooms.service import NewRoom
from rostrum.services import Services
from rostrum.serving import Server, bind
from rostrum.settings import Settings

DTLS = {"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}]}


def vp8(ssrc: int) -> dict[str, Any]:
    """RTP parameters of a camera, as a browser would send them."""
    feedback = [{"type": "nack"}, {"type": "nack", "parameter": "pli"}, {"type": "goog-remb"}]
    codec = {"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000, "parameters": {}, "rtcpFeedback": feedback}
    return {
        "mid": str(ssrc),
        "codecs": [codec],
        "headerExtensions": [],
        "encodings": [{"ssrc": ssrc}],
        "rtcp": {"cname": "test"},
    }


def opus(ssrc: int) -> dict[str, Any]:
    """RTP parameters of a microphone."""
    codec = {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2, "parameters": {}}
    return {
        "mid": str(ssrc),
        "codecs": [codec],
        "headerExtensions": [],
        "encodings": [{"ssrc": ssrc}],
        "rtcp": {"cname": "test"},
    }


class Client:
    """A socket that remembers all that it hears."""

    def __init__(self, url: str, auth: dict[str, Any] | None) -> None:
        self.url = url
        self.auth = auth
        self.socket = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self.joined: dict[str, Any] = {}
        self._news = asyncio.Event()
        self.socket.on("*", self._hear)

    async def _hear(self, event: str, *args: Any) -> None:
        self.heard.append((event, args[0] if args else None))
        self._news.set()

    async def connect(self, path: str = "socket.io", transport: str = "websocket") -> "Client":
        """Connect with the handshake's auth."""
        await self.socket.connect(self.url, auth=self.auth, transports=[transport], socketio_path=path)
        return self

    async def call(self, event: str, *args: Any, timeout: float = 10) -> Any:
        """Send an event and wait for its acknowledgement."""
        data = args[0] if len(args) == 1 else (tuple(args) if args else None)
        return await self.socket.call(event, data, timeout=timeout)

    async def join(self, room_id: str, name: str = "Somebody", **more: Any) -> dict[str, Any]:
        """Join a room and insist that it works."""
        self.joined = await self.call("join", {"room_id": room_id, "name": name, **more})
        assert "error" not in self.joined, self.joined
        return self.joined

    async def hear(self, event: str, timeout: float = 5, **facts: Any) -> Any:
        """Wait for an event with these facts, heard already or not; it is taken out of what was heard."""
        async with asyncio.timeout(timeout):
            while True:
                for index, (name, body) in enumerate(self.heard):
                    if name == event and all((body or {}).get(key) == value for key, value in facts.items()):
                        del self.heard[index]
                        return body
                self._news.clear()
                await self._news.wait()

    async def hear_list(self, event: str, timeout: float = 5) -> list[dict[str, Any]]:
        """Wait for an event whose body is a list."""
        body: list[dict[str, Any]] = await self.hear(event, timeout)
        return body

    def names(self) -> list[str]:
        """The names of the events heard and not yet taken."""
        return [name for name, _body in self.heard]

    async def ok(self, event: str, *args: Any) -> Any:
        """Send an event and insist that it works."""
        answer = await self.call(event, *args)
        assert not (isinstance(answer, dict) and "error" in answer), (event, answer)
        return answer

    async def code(self, event: str, *args: Any) -> str:
        """Send an event and insist that it is refused; the code."""
        answer = await self.call(event, *args)
        assert isinstance(answer, dict) and answer.get("error") and answer.get("code"), (event, answer)
        return str(answer["code"])

    async def transport(self, direction: str = "send", *, connect: bool = True) -> str:
        """Make a transport, connect it; its id."""
        made = await self.ok("createWebRtcTransport", {"direction": direction})
        if connect:
            assert await self.ok("connectTransport", {"transport_id": made["id"], "dtlsParameters": DTLS}) == "success"
        return str(made["id"])

    async def publish(self, source: str = "camera", ssrc: int = 1000, transport: str | None = None, **more: Any) -> str:
        """Produce; the producer's id."""
        if transport is None:
            transport = await self.transport()
        audio = source in ("mic", "screen-audio")
        request = {
            "producerTransportId": transport,
            "kind": "audio" if audio else "video",
            "rtpParameters": (opus if audio else vp8)(ssrc),
            "appData": {"type": source},
        }
        made = await self.ok("produce", {**request, **more})
        assert made["id"] == made["producer_id"]
        return str(made["id"])

    async def watch(self, producer_id: str, transport: str | None = None, **more: Any) -> dict[str, Any]:
        """Consume; the acknowledgement."""
        transport = transport or await self.transport("recv")
        capabilities = await self.ok("getRouterRtpCapabilities")
        request = {"consumerTransportId": transport, "producerId": producer_id, "rtpCapabilities": capabilities}
        answer: dict[str, Any] = await self.ok("consume", {**request, **more})
        return answer

    async def drop(self) -> None:
        """Lose the transport without a good-bye."""
        await self.socket.eio.disconnect(abort=True)

    async def close(self) -> None:
        """Go."""
        await self.socket.disconnect()


class Hall:
    """A running server: makes rooms, people and clients for a test."""

    def __init__(self, app: App, url: str) -> None:
        self.app = app
        self.url = url
        self.clients: list[Client] = []

    @property
    def services(self) -> Services:
        """The server's services."""
        return self.app.services

    async def key(self) -> str:
        """The default tenant's publishable key."""
        return self.services.tenants.web_key((await self.services.tenants.default()).id)

    async def user(self, name: str, tenant: str = "default") -> str:
        """Make a user; its token."""
        owner = await self.services.tenants.get(tenant)
        new = NewUser(f"{name}@example.org", name.title(), "Test", "12345", "Nowhere", "password of " + name)
        return self.services.auth.issue(await self.services.auth.create_user(owner.id, new)).token

    async def room(self, token: str, **facts: Any) -> str:
        """Make a room that the user of the token owns; its id."""
        principal = await self.services.auth.authenticate_socket(await self.key(), token)
        room = await self.services.rooms.create(principal, NewRoom(name="Test", type="webinar", **facts))
        return room.id

    async def client(self, token: str | None = None, *, key: str | None = "", **connect: Any) -> Client:
        """A connected client: with a user's or a join token, as a guest with the key alone, or with neither."""
        api_key = await self.key() if key == "" else key
        auth = {name: value for name, value in (("apiKey", api_key), ("token", token)) if value}
        client = Client(self.url, auth or None)
        self.clients.append(client)
        return await client.connect(**connect)

    async def stage(self, viewers: int = 1) -> tuple[str, Client, list[Client]]:
        """A room with its host and some viewers in it."""
        token = await self.user(f"host{len(self.clients)}")
        room_id = await self.room(token)
        host = await self.client(token)
        await host.join(room_id, "Host")
        guests = []
        for number in range(viewers):
            guest = await self.client()
            await guest.join(room_id, f"Viewer {number}")
            guests.append(guest)
        return room_id, host, guests


MakeHall = Callable[..., Awaitable[Hall]]


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def hall_url() -> str:
    """The halls' database; empty: SQLite in the data folder. Some tests run on PostgreSQL too."""
    return ""


@pytest.fixture
async def make_hall(tmp_path: Path, migrated: Path, hall_url: str) -> AsyncIterator[MakeHall]:
    """Starts servers: `await make_hall(media_workers=2, peer_grace_seconds=1)`; `wait=False`: not ready yet."""
    running: list[tuple[Hall, Server, asyncio.Task[None]]] = []

    async def make(*, wait: bool = True, **changes: Any) -> Hall:
        facts: dict[str, Any] = {
            "data_dir": tmp_path / "data",
            "host": "127.0.0.1",
            "port": 0,
            "media_workers": 1,
            "media_port": 0,
            "media_addresses": ["127.0.0.1"],
            "peer_grace_seconds": 5,
            "shutdown_seconds": 4,
            "database_url": SecretStr(hall_url),
        }
        settings = Settings(**{**facts, **changes})
        listener = bind("127.0.0.1", 0)
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        app = create_app(settings)
        if not (settings.data_dir / "rostrum.db").exists():
            shutil.copy(migrated, settings.data_dir / "rostrum.db")
        ready = asyncio.Event()
        server = Server(app, lambda _app: ready.set(), patience=15)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        hall = Hall(app, f"http://127.0.0.1:{settings.port}")
        running.append((hall, server, task))
        if not wait:
            return hall
        started = asyncio.create_task(ready.wait())
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert ready.is_set(), "the server did not start"
        return hall

    yield make
    for hall, server, task in running:
        for client in hall.clients:
            await client.close()
        server.should_exit = True
        await task


@pytest.fixture
async def hall(make_hall: MakeHall) -> Hall:
    """A server with one media worker."""
    return await make_hall()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def make_node(new_postgresql: Any, redis: RedisServer, make_hall: MakeHall) -> MakeHall:
    """Starts servers that are nodes of one cluster."""
    shared = {"database_url": SecretStr(new_postgresql()), "redis_url": SecretStr(redis.url)}

    async def make(**changes: Any) -> Any:
        return await make_hall(**{**shared, **changes})

    return make


@pytest.fixture
async def nodes(make_node: MakeHall) -> list[Any]:
    """Two nodes."""
    return [await make_node() for _ in range(2)]
