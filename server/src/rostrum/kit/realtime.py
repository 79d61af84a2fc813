"""Sockets: connections, events with acknowledgements, groups. The only module that knows socketio.

Features see `Realtime` and `Connection` alone, so that the library below can be replaced behind them. What it promises:

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
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
import socketio
import structlog
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from socketio.exceptions import ConnectionRefusedError as Refused

from rostrum.kit.errors import InternalError, InvalidInput, PayloadTooLarge, RateLimited, RostrumError

log = structlog.get_logger(__name__)

PATHS: Final = ("/socket.io", "/erizocontroller/socket.io")
MALFORMED_PER_CONNECTION: Final = 100
HANDSHAKE_SECONDS: Final = 20.0
# A reader that is this many messages behind has stalled; keeping more for it would be memory without a bound.
QUEUE_LIMIT: Final = 2000
_HEADER = re.compile(r"2(?:/[^,]{0,200},)?(\d{1,15})?")

Handler = Callable[..., Awaitable[Any]]
Authenticate = Callable[[str | None, str | None], Awaitable[Any]]


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
        "engine_id",
        "groups",
        "id",
        "malformed",
        "principal",
        "wants_answer",
    )

    def __init__(self, connection_id: str, engine_id: str, principal: Any, address: str, burst: float) -> None:
        self.id = connection_id
        self.engine_id = engine_id
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
        self._on_leave: list[Callable[[Connection], Awaitable[None]]] = []
        self._connections: dict[str, Connection] = {}
        self._by_engine: dict[str, Connection] = {}
        self._groups: dict[str, dict[str, Connection]] = {}
        self._server = _Server(self, _origin_check(self._origins), max_bytes * 4)

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application that answers at each of PATHS."""
        await self._server.handle_request(scope, receive, send)

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

    @property
    def events(self) -> list[str]:
        """The names of all events that are answered."""
        return sorted(self._handlers)

    @property
    def connections(self) -> int:
        """How many sockets are connected."""
        return len(self._connections)

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
        frame = _frame("2", [event, body])
        for connection in members:
            if connection.id != skip:
                self._push(connection, frame)

    def _push(self, connection: Connection, frame: EnginePacket) -> None:
        socket = self._server.eio.sockets.get(connection.engine_id)
        if socket is None or socket.closed:
            return
        if socket.queue.qsize() > QUEUE_LIMIT:
            log.warning("socket.stalled", connection=connection.id)
            self._server.start_background_task(self._server.eio.disconnect, connection.engine_id)
            return
        socket.queue.put_nowait(frame)

    async def disconnect(self, connection_id: str, reason: str) -> None:
        """End a connection for good: the client's library does not come back by itself after this."""
        log.info("socket.disconnected_by_server", connection=connection_id, reason=reason)
        await self._server.disconnect(connection_id)

    async def close(self) -> None:
        """Drop all sockets in the way that makes clients reconnect: for a restart of the server."""
        for connection in list(self._connections.values()):
            await self._server.eio.disconnect(connection.engine_id)
        await self._server.eio.shutdown()

    async def admit(self, connection_id: str, engine_id: str, environ: dict[str, Any], auth: Any) -> None:
        """Authenticate a handshake; raises what refuses it in the library's way."""
        if engine_id in self._by_engine:
            raise Refused("This socket is connected already.", {"code": "already_connected"})
        api_key, token = _credentials(environ, auth)
        try:
            principal = await self._authenticate(api_key, token)
        except RostrumError as error:
            raise Refused(error.text, {"code": error.code}) from None
        except Exception:
            log.exception("socket.handshake_failed")
            raise Refused(InternalError.sentence, {"code": InternalError.code}) from None
        address = (environ.get("asgi.scope", {}).get("client") or ("",))[0]
        connection = Connection(connection_id, engine_id, principal, address, self.burst)
        self._connections[connection_id] = connection
        self._by_engine[engine_id] = connection

    async def gone(self, connection_id: str) -> None:
        """Forget a connection and tell whoever wants to know."""
        connection = self._connections.pop(connection_id, None)
        if connection is None:
            return
        self._by_engine.pop(connection.engine_id, None)
        for group in list(connection.groups):
            members = self._groups.get(group, {})
            members.pop(connection_id, None)
            if not members:
                self._groups.pop(group, None)
        for callback in self._on_leave:
            try:
                await callback(connection)
            except Exception:
                log.exception("socket.disconnect_callback_failed")

    def is_known(self, engine_id: str) -> bool:
        """Whether a transport has finished its handshake."""
        return engine_id in self._by_engine

    async def receive_text(self, engine_id: str, text: str) -> None:
        """Handle an event packet in its text form, which may be anything."""
        connection = self._by_engine.get(engine_id)
        header = _HEADER.match(text)
        if connection is None or header is None:
            raise ValueError("An event came before the handshake, or its header is malformed.")
        number = int(header[1]) if header[1] else None
        # Measured before parsing, so that a large body costs no more than its transport.
        if len(text) > self.max_bytes:
            self._answer(connection, number, PayloadTooLarge("The message is too large.").to_ack())
            return
        try:
            payload = msgspec.json.decode(text[header.end() :])
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            payload = None
        await self.receive(connection, number, payload)

    async def receive(self, connection: Connection, number: int | None, payload: Any) -> None:
        """Handle an event: run its handler and answer."""
        if not isinstance(payload, list) or not payload or not isinstance(payload[0], str):
            connection.malformed += 1
            if connection.malformed > MALFORMED_PER_CONNECTION:
                raise ValueError("Too many malformed events.")
            self._answer(connection, number, InvalidInput("The message is malformed.").to_ack())
            return
        connection.wants_answer = number is not None
        self._answer(connection, number, await self._handle(connection, payload[0], payload[1:]))

    async def _handle(self, connection: Connection, event: str, args: list[Any]) -> Any:
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
            return error.to_ack()
        except Exception:
            log.exception("signal.failed", signal=event[:64], connection=connection.id)
            return InternalError().to_ack()

    def _answer(self, connection: Connection, number: int | None, value: Any) -> None:
        if number is not None:
            self._push(connection, _frame(f"3{number}", [value]))


class _Server(socketio.AsyncServer):  # type: ignore[misc]
    """The library's server, its handling of events replaced by ours (see Realtime.receive_text)."""

    def __init__(self, realtime: Realtime, origins: Callable[[str | None, dict[str, Any]], bool], frame: int) -> None:
        super().__init__(
            async_mode="asgi",
            async_handlers=False,
            cors_allowed_origins=origins,
            cors_credentials=False,
            http_compression=False,
            max_http_buffer_size=frame,
            ping_interval=25,
            ping_timeout=20,
            json=_Json,
            logger=False,
            engineio_logger=False,
        )
        self._realtime = realtime
        self.on("connect", self._connected)
        self.on("disconnect", self._disconnected)

    async def _connected(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        await self._realtime.admit(sid, self.manager.eio_sid_from_sid(sid, "/"), environ, auth)

    async def _disconnected(self, sid: str, _reason: str) -> None:
        await self._realtime.gone(sid)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        asyncio.get_running_loop().call_later(HANDSHAKE_SECONDS, self._expire, eio_sid)

    def _expire(self, eio_sid: str) -> None:
        # A transport without a handshake holds memory for nobody.
        if eio_sid in self.environ and not self._realtime.is_known(eio_sid):
            self.start_background_task(self.eio.disconnect, eio_sid)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            if isinstance(data, str) and data[:1] == "2" and eio_sid not in self._binary_packet:
                await self._realtime.receive_text(eio_sid, data)
            else:
                await super()._handle_eio_message(eio_sid, data)
        except Exception as error:
            # No client library sends what ends here. A trace would let anybody fill the log.
            log.info("socket.malformed", error=str(error)[:200])
            await self.eio.disconnect(eio_sid)

    async def _handle_event(self, eio_sid: str, _namespace: str | None, number: int | None, data: Any) -> None:
        # Events with binary parts arrive here, put together by the library.
        connection = self._realtime._by_engine.get(eio_sid)
        if connection is not None:
            await self._realtime.receive(connection, number, data)


class _Json:
    """What the library wants of a JSON module, by msgspec: several times faster than the standard one."""

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_options: Any) -> Any:
        return msgspec.json.decode(text)


def _frame(header: str, payload: list[Any]) -> EnginePacket:
    """An event or an acknowledgement, written here: the library looks for binary parts in every corner of it first."""
    return EnginePacket(MESSAGE, data=header + msgspec.json.encode(payload).decode())


def _origin_check(allowed: frozenset[str]) -> Callable[[str | None, dict[str, Any]], bool]:
    """A browser may come from the server's own host, the allowed origins, and nowhere else."""

    def check(origin: str | None, environ: dict[str, Any]) -> bool:
        if origin is None or "*" in allowed or origin in allowed:
            return True
        return urlsplit(origin).netloc == environ.get("HTTP_HOST")

    return check


def _credentials(environ: dict[str, Any], auth: Any) -> tuple[str | None, str | None]:
    """The API key and the token from the handshake's `auth`, else from the query."""
    query = parse_qs(environ.get("QUERY_STRING", ""), max_num_fields=20) if environ.get("QUERY_STRING") else {}
    fields = auth if isinstance(auth, dict) else {}

    def pick(name: str) -> str | None:
        value = fields.get(name) or query.get(name, [None])[0]
        return value if isinstance(value, str) and 0 < len(value) <= 8192 else None

    return pick("apiKey"), pick("token")
