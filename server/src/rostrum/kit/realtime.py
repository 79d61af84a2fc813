"""Sockets: connections, events with acknowledgements, groups.

Features see `Realtime` and `Connection` alone; below is `packages/socketio-server`. What is promised:

* one connection's events are handled one after the other, in the order in which they were sent, and never hold up
  another connection;
* every acknowledgement is non-null: what the handler returned, or `{"error": sentence, "code": code}`;
* nothing that a client sends as an event (unknown, malformed, too large, too many) costs it more than that error;
* `emit` is immediate and keeps the order: it encodes and frames once, and awaits nothing.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from socketio_server import (
    TOO_LARGE,
    ConnectRefused,
    Handshake,
    PacketError,
    QueuePolicy,
    Refused,
    Server,
    Socket,
)
from socketio_server.handshake import same_origin

from rostrum.kit.errors import InternalError, InvalidInput, PayloadTooLarge, RateLimited, RostrumError
from rostrum.kit.origin import Origin, set_origin

log = structlog.get_logger(__name__)

PATHS: Final = ("/socket.io", "/erizocontroller/socket.io")
MALFORMED_PER_CONNECTION: Final = 100
PING_SECONDS: Final = 25.0
PONG_SECONDS: Final = 20.0
HANDSHAKE_SECONDS: Final = 20.0
PARTS_PER_EVENT: Final = 8
ARGUMENTS_PER_EVENT: Final = 4
# A reader that is this far behind has stalled; keeping more for it would be memory without a bound. What it missed it
# could not make up, so it goes, and comes back to the present state.
QUEUE: Final = QueuePolicy(max_packets=2000, max_bytes=1 << 20, overflow="disconnect", stall_seconds=30.0)

Handler = Callable[..., Awaitable[Any]]
Authenticate = Callable[[str | None, str | None], Awaitable[Any]]
Scope = Mapping[str, Any]


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
    """

    __slots__ = ("_allowance", "_refilled", "_socket", "address", "data", "id", "malformed", "principal")

    def __init__(self, socket: Socket, burst: float) -> None:
        self._socket = socket
        self.id = socket.id
        self.principal = socket.handshake.data
        self.address = socket.handshake.address
        self.data: dict[str, Any] = {}
        self.malformed = 0
        self._allowance = burst
        self._refilled = time.monotonic()

    @property
    def wants_answer(self) -> bool:
        """Whether the event that is being handled asks for an acknowledgement."""
        return self._socket.wants_answer

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
        self.rate, self.burst = rate, burst
        self._handlers: dict[str, Handler] = {}
        self._on_refused: list[Callable[[Connection, str, RostrumError], None]] = []
        self._on_leave: list[Callable[[Connection], Awaitable[None]]] = []
        self._server = Server(
            PATHS,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            connect_timeout=HANDSHAKE_SECONDS,
            max_payload=max_bytes,
            max_frame=max_bytes * 4,
            max_attachments=PARTS_PER_EVENT,
            allow_origin=self.allows_origin,
            queue=QUEUE,
            search_binary=False,  # What the server sends is JSON.
        )
        self._main = self._server.of("/")
        self._main.use(self._admit)
        self._main.on_connect(self._connected)
        self._main.on_disconnect(self._gone)
        self._main.on_any(self._receive)
        self._main.on_invalid(self._answer_invalid)
        self.asgi = self._server.asgi

    def protocol_class(self, gate: Callable[[Scope], Scope]) -> Any:
        """What uvicorn's `ws` takes, see `socketio_server.Server.protocol_class`.

        Args:
            gate: what the application's middlewares do with a request, for WebSockets, which do not pass them; it
                takes and returns an ASGI scope, or raises a RostrumError.
        """

        def guarded(scope: Scope) -> Scope:
            try:
                return gate(scope)
            except RostrumError as error:
                raise Refused(error.status, error.text) from None

        self._server.gate = guarded
        return self._server.protocol_class()

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
        return len(self._main.sockets)

    def all(self) -> list[Connection]:
        """All connections."""
        return [socket.data for socket in self._main.sockets.values()]

    def connection(self, connection_id: str) -> Connection | None:
        """The connection of this id, None if it has gone."""
        socket = self._main.sockets.get(connection_id)
        return None if socket is None else socket.data

    def enter(self, connection_id: str, group: str) -> None:
        """Add a connection to a group; groups exist while they have members."""
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            socket.join(group)

    def leave(self, connection_id: str, group: str) -> None:
        """Take a connection out of a group."""
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            socket.leave(group)

    def emit(self, event: str, body: Any, *, to: str, skip: str | None = None) -> None:
        """Send an event to a connection or to all of a group, `skip` being a connection to leave out."""
        self._main.to(to).except_(*(() if skip is None else (skip,))).emit(event, body)

    async def disconnect(self, connection_id: str, reason: str) -> None:
        """End a connection for good: the client's library does not come back by itself after this."""
        log.info("socket.disconnected_by_server", connection=connection_id, reason=reason)
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            socket.disconnect(close=True)

    async def close(self) -> None:
        """Drop all sockets in the way that makes clients reconnect: for a restart of the server."""
        await self._server.close()

    def allows_origin(self, origin: str | None, host: str | None) -> bool:
        """Browsers may come from the server's own host, the allowed origins, and nowhere else."""
        return origin is None or "*" in self._origins or origin in self._origins or same_origin(origin, host)

    async def _admit(self, handshake: Handshake) -> None:
        """Let a client in by its handshake.

        Raises:
            ConnectRefused: its key or its token is wrong.
        """
        set_origin(Origin(handshake.address, handshake.id))
        credentials = _credentials(handshake)
        handshake.auth = None  # It holds a token, and is not needed again.
        try:
            handshake.data = await self._authenticate(*credentials)
        except RostrumError as error:
            raise ConnectRefused(error.text, {"code": error.code}) from None
        except Exception:
            log.exception("socket.handshake_failed")
            raise ConnectRefused(InternalError.sentence, {"code": InternalError.code}) from None

    async def _connected(self, socket: Socket) -> None:
        socket.data = Connection(socket, self.burst)

    async def _gone(self, socket: Socket, _reason: str) -> None:
        for callback in self._on_leave:
            try:
                await callback(socket.data)
            except Exception:
                log.exception("socket.disconnect_callback_failed")

    async def _answer_invalid(self, socket: Socket, problem: str) -> dict[str, Any]:
        """Answer an event that cannot be read.

        Raises:
            PacketError: there have been too many of them.
        """
        if problem == TOO_LARGE:
            return PayloadTooLarge("The message is too large.").to_ack()
        connection: Connection = socket.data
        connection.malformed += 1
        if connection.malformed > MALFORMED_PER_CONNECTION:
            raise PacketError("too many malformed events")
        return InvalidInput("The message is malformed.").to_ack()

    async def _receive(self, socket: Socket, event: str, args: list[Any]) -> Any:
        """Handle an event; the acknowledgement."""
        connection: Connection = socket.data
        set_origin(Origin(connection.address, connection.id, getattr(connection.principal, "subject", "")))
        try:
            if not connection.spend(self.rate, self.burst):
                raise RateLimited("Too many messages; slow down.", retry_after=1)
            handler = self._handlers.get(event)
            if handler is None:
                raise UnknownEvent()
            result = await handler(connection, *args[:ARGUMENTS_PER_EVENT])
        except RostrumError as error:
            log.info("signal.refused", signal=event[:64], code=error.code, connection=connection.id)
            for callback in self._on_refused:
                callback(connection, event[:64], error)
            return error.to_ack()
        except Exception:
            log.exception("signal.failed", signal=event[:64], connection=connection.id)
            return InternalError().to_ack()
        if isinstance(result, tuple):
            return list(result)  # One value, and not several.
        return {} if result is None else result


def _credentials(handshake: Handshake) -> tuple[str | None, str | None]:
    """The API key and the token from the handshake's `auth`, else from the query."""
    query = handshake.query
    fields = handshake.auth if isinstance(handshake.auth, dict) else {}

    def pick(name: str) -> str | None:
        value = fields.get(name) or query.get(name)
        return value if isinstance(value, str) and 0 < len(value) <= 8192 else None

    return pick("apiKey"), pick("token")
