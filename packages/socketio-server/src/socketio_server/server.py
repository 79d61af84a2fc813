"""The server: sessions, namespaces, limits."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from socketio_server.asgi import application
from socketio_server.broadcast import Fanout
from socketio_server.errors import Refused
from socketio_server.frames import GOING_AWAY
from socketio_server.handshake import BAD_REQUEST, UNKNOWN_SESSION, AllowOrigin, Request, Scope, same_origin
from socketio_server.link import Link
from socketio_server.namespace import Namespace
from socketio_server.queue import QueuePolicy
from socketio_server.recovery import RecoveryPolicy
from socketio_server.session import Session, opening
from socketio_server.wheel import Wheel

if TYPE_CHECKING:
    from socketio_server.polling import PollingLink
    from socketio_server.uvicorn import UvicornLink
    from socketio_server.websocket import WebSocketLink

log = logging.getLogger("socketio_server")

DRAIN_SECONDS: Final = 1.0
"""How long clients may take to read that the server shuts down."""


class Server:
    """A Socket.IO server; `asgi` is its ASGI application.

    Args:
        paths: where it answers; a slash at the end makes no difference.
        ping_interval, ping_timeout: seconds between heartbeats, and that a client may take to answer one.
        connect_timeout: seconds within which a session has to connect to a namespace.
        upgrade_timeout: seconds within which a connection has to become a WebSocket, and a WebSocket to take over.
        max_payload: bytes of the largest event.
        max_frame: bytes of the largest WebSocket message and POST body; an event between the two can be answered,
            see `Namespace.on_invalid`. By default the same as `max_payload`.
        max_attachments: binary parts of one event.
        max_connections, max_connections_per_address: sessions at once; None for no limit.
        address_key: addresses with the same key count as one, for example those of one network.
        max_unconnected: sessions at once that are not connected to a namespace.
        allow_origin: `allow_origin(origin, host)` says whether pages of this origin may use the server that they know
            as `host`. By default only the server's own pages may. Clients that are no browsers send no origin.
        transports: `polling`, `websocket` or both.
        queue: what happens when a client does not read.
        gate: looks at the request of a WebSocket that was handed over before anything else does, as an ASGI scope, and
            returns it, changed or not: the true address behind a proxy, for example. It may raise `Refused`.
        search_binary: whether emitted values are searched for bytes. Without it, emitting is a little cheaper.
        recovery: what is remembered for clients that lose their connection, so that they come back as they were. None
            for nothing; it is not shared between nodes.
        write_pause: seconds between two rounds of writing broadcasts; more lets more messages share a write.
    """

    def __init__(
        self,
        paths: tuple[str, ...] = ("/socket.io",),
        *,
        ping_interval: float = 25.0,
        ping_timeout: float = 20.0,
        connect_timeout: float = 45.0,
        upgrade_timeout: float = 10.0,
        max_payload: int = 1 << 20,
        max_frame: int | None = None,
        max_attachments: int = 16,
        max_connections: int | None = None,
        max_connections_per_address: int | None = None,
        address_key: Callable[[str], str] | None = None,
        max_unconnected: int = 5000,
        allow_origin: AllowOrigin | None = None,
        transports: tuple[str, ...] = ("polling", "websocket"),
        queue: QueuePolicy | None = None,
        gate: Callable[[Scope], Scope] | None = None,
        search_binary: bool = True,
        recovery: RecoveryPolicy | None = None,
        write_pause: float = 0.0,
    ) -> None:
        self._paths = frozenset(path.rstrip("/") for path in paths)
        self.ping_interval, self.ping_timeout = ping_interval, ping_timeout
        self.connect_timeout, self.upgrade_timeout = connect_timeout, upgrade_timeout
        self.max_payload, self.max_frame = max_payload, max_frame or max_payload
        self.max_attachments = max_attachments
        self.max_connections, self.max_per_address = max_connections, max_connections_per_address
        self.max_unconnected = max_unconnected
        self._address_key = address_key or _itself
        self.allow_origin = allow_origin or same_origin
        self.transports = transports
        self.queue = queue or QueuePolicy()
        self.gate = gate or _open_gate
        self.search_binary = search_binary
        self.recovery = recovery
        self.grain = min(1.0, ping_interval / 5, ping_timeout / 5, connect_timeout / 5)
        self.wheel = Wheel(self.grain)
        self.fanout = Fanout(write_pause)
        self.namespaces: dict[str, Namespace] = {}
        self.sessions: dict[str, Session] = {}
        self.polls: dict[str, PollingLink] = {}
        self.links: set[WebSocketLink] = set()
        self._addresses: dict[str, int] = {}
        self._unconnected = 0
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.asgi = application(self)

    def of(self, name: str) -> Namespace:
        """The namespace of this name, made when it is first asked for. Clients reach only those that were made."""
        if name not in self.namespaces:
            self.namespaces[name] = Namespace(self, name)
        return self.namespaces[name]

    def protocol_class(self) -> "Callable[..., UvicornLink]":
        """What uvicorn's `ws` takes: it hands WebSockets over before any message, so that they cost nothing else."""
        from socketio_server.uvicorn import UvicornLink  # noqa: PLC0415 - it is not needed elsewhere.

        server = self

        class Protocol(UvicornLink):
            __slots__ = ()

            def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
                super().__init__(server, server_state)

        return Protocol

    async def close(self, reason: str = "server shutting down") -> None:
        """End all sessions in the way that makes clients come back, and take no new ones.

        Returns after the applications' callbacks, at most a second later.
        """
        self._closing = True
        self.fanout.flush()
        for session in list(self.sessions.values()):
            session.end(reason, GOING_AWAY, reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._tasks or self.links:  # noqa: ASYNC110 - they end in many ways.
                    await asyncio.sleep(0.01)
        for link in list(self.links):
            link.abort()
        for poll in list(self.polls.values()):
            poll.abort()

    # What the transports ask for.

    def check_path(self, path: str) -> None:
        """Insist on one of the paths.

        Raises:
            Refused: it is another one.
        """
        if path.rstrip("/") not in self._paths:
            raise Refused(404, "Not found")

    def check_room(self, address: str) -> None:
        """Insist that one more session is allowed.

        Raises:
            Refused: there are too many.
        """
        full = self.max_connections is not None and len(self.sessions) >= self.max_connections
        if self._closing or full or self._unconnected >= self.max_unconnected:
            raise Refused(503, "Service unavailable", BAD_REQUEST)
        already = self._addresses.get(self._address_key(address), 0)
        if self.max_per_address is not None and already >= self.max_per_address:
            raise Refused(429, "Too many connections", BAD_REQUEST)

    def session_to_upgrade(self, sid: str) -> Session:
        """The session that a WebSocket may take over.

        Raises:
            Refused: there is none, it does not poll, or another WebSocket is about to.
        """
        session = self.sessions.get(sid)
        if session is None:
            raise Refused(400, "Session ID unknown", UNKNOWN_SESSION)
        if session.link.name != "polling" or session.probe is not None:
            raise Refused(400, "Bad request", BAD_REQUEST)
        return session

    def open_session(self, request: Request, link: Link) -> Session:
        """Begin a session; over WebSocket, the handshake is sent."""
        session = Session(self, secrets.token_urlsafe(15), request, link)
        self.sessions[session.sid] = session
        key = self._address_key(request.address)
        self._addresses[key] = self._addresses.get(key, 0) + 1
        self._unconnected += 1
        session.begin()
        if link.name == "websocket":
            session.write(opening(self, session.sid, []))
        return session

    # What the sessions tell.

    def count_connected(self, _session: Session) -> None:
        """A session is connected to its first namespace."""
        self._unconnected -= 1

    def forget(self, session: Session, *, has_joined: bool) -> None:
        """A session has ended."""
        del self.sessions[session.sid]
        if not has_joined:
            self._unconnected -= 1
        key = self._address_key(session.request.address)
        self._addresses[key] -= 1
        if not self._addresses[key]:
            del self._addresses[key]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a task run, and keep it until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def now(self) -> float:
        """The event loop's time in seconds."""
        return asyncio.get_running_loop().time()


def _itself(address: str) -> str:
    return address


def _open_gate(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    return scope
