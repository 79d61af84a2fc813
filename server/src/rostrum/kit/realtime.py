"""Sockets: connections, events with acknowledgements, groups.

Features see `Realtime` and `Connection` alone. Below are two kinds of links: our own over WebSocket (websocket.py),
and a library's for clients that poll or begin by polling (polling.py). What is promised:

* one connection's events are handled one after the other, in the order in which they were sent, and never hold up
  another connection;
* every acknowledgement is non-null: what the handler returned, or `{"error": sentence, "code": code}`;
* nothing that a client sends as an event (unknown, malformed, too large, too many) costs it more than that error;
* `emit` is immediate and keeps the order: it encodes once, appends to each recipient's queue and awaits nothing.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec
import structlog

from rostrum.kit.errors import InternalError, InvalidInput, PayloadTooLarge, RateLimited, RostrumError
from rostrum.kit.origin import Origin, set_origin
from rostrum.kit.polling import PollingServer
from rostrum.kit.websocket import WebSocketLink

log = structlog.get_logger(__name__)

PATHS: Final = ("/socket.io", "/erizocontroller/socket.io")
MALFORMED_PER_CONNECTION: Final = 100
# A reader that is this many messages behind has stalled; keeping more for it would be memory without a bound.
QUEUE_LIMIT: Final = 2000
QUEUE_BYTES: Final = 4 << 20
_HEADER = re.compile(r"2(?:/[^,]{0,200},)?(\d{1,15})?")

Handler = Callable[..., Awaitable[Any]]
Authenticate = Callable[[str | None, str | None], Awaitable[Any]]


class Link(Protocol):
    """The way to one client."""

    @property
    def waiting(self) -> tuple[int, int]:
        """How many packets, and about how many bytes, the client has not taken yet."""

    def push(self, packet: str) -> None:
        """Send a Socket.IO packet; awaits nothing, keeps the order."""

    async def close(self, *, for_good: bool) -> None:
        """End it; after `for_good` the client's library does not come back by itself."""


class UnknownEvent(RostrumError):
    """Nobody defined this event."""

    code = "unknown_event"
    status = 400
    sentence = "The server does not know this event."


class Connection:
    """One connected socket.

    Attributes:
        id: the socket's id, as the client sees it too.
        principal: who it is, from the handshake.
        address: the client's address.
        data: what features keep about this connection, each under its own name.
        wants_answer: whether the event that is being handled asks for an acknowledgement.
    """

    __slots__ = (
        "_allowance",
        "_refilled",
        "address",
        "data",
        "groups",
        "id",
        "link",
        "malformed",
        "principal",
        "wants_answer",
    )

    def __init__(self, connection_id: str, link: Link, principal: Any, address: str, burst: float) -> None:
        self.id = connection_id
        self.link = link
        self.principal = principal
        self.address = address
        self.data: dict[str, Any] = {}
        self.groups: set[str] = set()
        self.malformed = 0
        self.wants_answer = False
        self._allowance = burst
        self._refilled = time.monotonic()

    def spend(self, rate: float, burst: float) -> bool:
        """Take one event from the bucket (rate in events a second); False when it is empty."""
        now = time.monotonic()
        self._allowance = min(burst, self._allowance + (now - self._refilled) * rate)
        self._refilled = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


class Realtime:
    """The sockets of this node.

    Args:
        authenticate: makes a principal from (API key, token), or raises a RostrumError.
        allowed_origins: origins besides the server's own; "*" allows all.
        max_bytes: largest event; a larger one is answered with `payload_too_large`. The transport closes the socket
            only above four times that size, so that an oversized event can be answered at all.
        rate, burst: events a second that one connection may send, and how many at once.
    """

    def __init__(
        self,
        authenticate: Authenticate,
        *,
        allowed_origins: Sequence[str] = (),
        max_bytes: int = 1 << 20,
        rate: float = 100.0,
        burst: float = 400.0,
    ) -> None:
        self._authenticate = authenticate
        self._origins = frozenset(allowed_origins)
        self.max_bytes = max_bytes
        self.rate, self.burst = rate, burst
        self._handlers: dict[str, Handler] = {}
        self._on_refused: list[Callable[[Connection, str, RostrumError], None]] = []
        self._on_leave: list[Callable[[Connection], Awaitable[None]]] = []
        self._connections: dict[str, Connection] = {}
        self._groups: dict[str, dict[str, Connection]] = {}
        self._polling = PollingServer(self, frame_bytes=max_bytes * 4)
        self._tasks: set[asyncio.Task[None]] = set()

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application that answers at each of PATHS."""
        if scope["type"] == "websocket" and _is_plain_websocket(scope):
            await WebSocketLink(self, scope, receive, send).run()
        else:
            await self._polling.handle(scope, receive, send)

    def on(self, event: str, handler: Handler) -> None:
        """Let `handler(connection, *args)` answer an event; what it returns is the acknowledgement.

        Raises:
            ValueError: somebody else answers this event already.
        """
        if event in self._handlers:
            raise ValueError(f"the event {event} has a handler already")
        self._handlers[event] = handler

    def on_disconnect(self, callback: Callable[[Connection], Awaitable[None]]) -> None:
        """Call back after a socket has gone, for whatever reason."""
        self._on_leave.append(callback)

    def on_refused(self, callback: Callable[[Connection, str, RostrumError], None]) -> None:
        """Call back after an event was answered with an error; it may await nothing."""
        self._on_refused.append(callback)

    @property
    def events(self) -> list[str]:
        """The names of all events that are answered."""
        return sorted(self._handlers)

    @property
    def connections(self) -> int:
        """How many sockets are connected."""
        return len(self._connections)

    def all(self) -> list[Connection]:
        """All connections."""
        return list(self._connections.values())

    def connection(self, connection_id: str) -> Connection | None:
        """The connection of this id, None if it has gone."""
        return self._connections.get(connection_id)

    def enter(self, connection_id: str, group: str) -> None:
        """Add a connection to a group; groups exist while they have members."""
        connection = self._connections.get(connection_id)
        if connection is not None:
            connection.groups.add(group)
            self._groups.setdefault(group, {})[connection_id] = connection

    def leave(self, connection_id: str, group: str) -> None:
        """Take a connection out of a group."""
        connection = self._connections.get(connection_id)
        if connection is not None:
            connection.groups.discard(group)
        members = self._groups.get(group)
        if members is not None:
            members.pop(connection_id, None)
            if not members:
                del self._groups[group]

    def emit(self, event: str, body: Any, *, to: str, skip: str | None = None) -> None:
        """Send an event to a connection or to all of a group, `skip` being a connection to leave out."""
        single = self._connections.get(to)
        members = [single] if single is not None else list(self._groups.get(to, {}).values())
        if not members:
            return
        packet = "2" + _json([event, body])
        for connection in members:
            if connection.id != skip:
                self._push(connection, packet)

    def _push(self, connection: Connection, packet: str) -> None:
        packets, size = connection.link.waiting
        if packets > QUEUE_LIMIT or size > QUEUE_BYTES:
            log.warning("socket.stalled", connection=connection.id)
            task = asyncio.ensure_future(connection.link.close(for_good=False))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        connection.link.push(packet)

    async def disconnect(self, connection_id: str, reason: str) -> None:
        """End a connection for good: the client's library does not come back by itself after this."""
        log.info("socket.disconnected_by_server", connection=connection_id, reason=reason)
        connection = self._connections.get(connection_id)
        if connection is not None:
            await connection.link.close(for_good=True)

    async def close(self) -> None:
        """Drop all sockets in the way that makes clients reconnect: for a restart of the server."""
        for connection in list(self._connections.values()):
            await connection.link.close(for_good=False)
        await self._polling.close()

    def allows_origin(self, origin: str | None, host: str | None) -> bool:
        """Browsers may come from the server's own host, the allowed origins, and nowhere else."""
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        return bool(host) and urlsplit(origin).netloc == host

    async def admit(self, connection_id: str, link: Link, address: str, query: str, auth: Any) -> Connection:
        """Let a client in by its handshake; `query` is the one of its URL.

        Raises:
            RostrumError: its key or its token is wrong.
        """
        set_origin(Origin(address, connection_id[:24]))
        principal = await self._authenticate(*_credentials(query, auth))
        connection = Connection(connection_id, link, principal, address, self.burst)
        self._connections[connection_id] = connection
        return connection

    async def gone(self, connection: Connection) -> None:
        """Forget a connection and tell whoever wants to know."""
        if self._connections.pop(connection.id, None) is None:
            return
        for group in list(connection.groups):
            members = self._groups.get(group, {})
            members.pop(connection.id, None)
            if not members:
                self._groups.pop(group, None)
        for callback in self._on_leave:
            try:
                await callback(connection)
            except Exception:
                log.exception("socket.disconnect_callback_failed")

    async def receive_text(self, connection: Connection, text: str) -> None:
        """Handle an event packet in its text form, which may be anything.

        Raises:
            ValueError: no client library sends this.
        """
        header = _HEADER.match(text)
        if header is None:
            raise ValueError("the header of an event is malformed")
        number = int(header[1]) if header[1] else None
        # Measured before parsing, so that a large body costs no more than its transport.
        if len(text) > self.max_bytes:
            self.refuse_large(connection, number)
            return
        try:
            payload = msgspec.json.decode(text[header.end() :])
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            payload = None
        await self.receive(connection, number, payload)

    def refuse_large(self, connection: Connection, number: int | None) -> None:
        """Answer an event that is larger than allowed."""
        self._answer(connection, number, PayloadTooLarge("The message is too large.").to_ack())

    async def receive(self, connection: Connection, number: int | None, payload: Any) -> None:
        """Handle an event: run its handler and answer."""
        if not isinstance(payload, list) or not payload or not isinstance(payload[0], str):
            connection.malformed += 1
            if connection.malformed > MALFORMED_PER_CONNECTION:
                raise ValueError("too many malformed events")
            self._answer(connection, number, InvalidInput("The message is malformed.").to_ack())
            return
        connection.wants_answer = number is not None
        self._answer(connection, number, await self._handle(connection, payload[0], payload[1:]))

    async def _handle(self, connection: Connection, event: str, args: list[Any]) -> Any:
        set_origin(Origin(connection.address, connection.id[:24], getattr(connection.principal, "subject", "")))
        try:
            if not connection.spend(self.rate, self.burst):
                raise RateLimited("Too many messages; slow down.", retry_after=1)
            handler = self._handlers.get(event)
            if handler is None:
                raise UnknownEvent()
            result = await handler(connection, *args[:4])
            return {} if result is None else result
        except RostrumError as error:
            log.info("signal.refused", signal=event[:64], code=error.code, connection=connection.id)
            for callback in self._on_refused:
                callback(connection, event[:64], error)
            return error.to_ack()
        except Exception:
            log.exception("signal.failed", signal=event[:64], connection=connection.id)
            return InternalError().to_ack()

    def _answer(self, connection: Connection, number: int | None, value: Any) -> None:
        if number is not None:
            self._push(connection, f"3{number}" + _json([value]))


def _json(payload: list[Any]) -> str:
    return msgspec.json.encode(payload).decode()


def _is_plain_websocket(scope: Any) -> bool:
    """Whether a client begins with WebSocket; otherwise it is the upgrade of one that polls, or of an old protocol."""
    query = scope.get("query_string", b"")
    return b"EIO=4" in query and b"sid=" not in query


def _credentials(query: str, auth: Any) -> tuple[str | None, str | None]:
    """The API key and the token from the handshake's `auth`, else from the query."""
    known = _query(query)
    fields = auth if isinstance(auth, dict) else {}

    def pick(name: str) -> str | None:
        value = fields.get(name) or known.get(name, [None])[0]
        return value if isinstance(value, str) and 0 < len(value) <= 8192 else None

    return pick("apiKey"), pick("token")


def _query(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, max_num_fields=20)
    except ValueError:
        return {}
