"""Sockets: connections, events with acknowledgements, groups.

Features see `Realtime` and `Connection` alone; below is `packages/socketio-server`. What is promised:

* one connection's events are handled one after the other, in the order in which they were sent, and never hold up
  another connection;
* every acknowledgement is non-null: what the handler returned, or `{"error": sentence, "code": code}`;
* nothing that a client sends as an event (unknown, malformed, too large, too many) costs it more than that error;
* `emit` is immediate and keeps the order: it encodes and frames once, and awaits nothing.

All of it holds for the sockets of other nodes as well, whose rooms this one leads (kit/relay.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog
from socketio_server import TOO_LARGE, PacketError, QueuePolicy, Refused, Server, Socket

from rostrum.kit.bus import Bus
from rostrum.kit.cluster import Cluster
from rostrum.kit.entrance import Authenticate, Entrance
from rostrum.kit.errors import InternalError, InvalidInput, PayloadTooLarge, RateLimited, RostrumError
from rostrum.kit.letters import DONE, ELSEWHERE, REFUSED
from rostrum.kit.origin import Origin, set_origin
from rostrum.kit.ratelimit import network_of
from rostrum.kit.relay import Door, Handler, Relay, RoomOf, Settles
from rostrum.kit.sockets import Connection

log = structlog.get_logger(__name__)

PATHS: Final = ("/socket.io", "/erizocontroller/socket.io")
MALFORMED_PER_CONNECTION: Final = 100
PING_SECONDS: Final = 25.0
PONG_SECONDS: Final = 20.0
HANDSHAKE_SECONDS: Final = 20.0
PENALTY_SECONDS: Final = 0.1
PARTS_PER_EVENT: Final = 8
ARGUMENTS_PER_EVENT: Final = 4
# A reader that is this far behind has stalled; keeping more for it would be memory without a bound. What it missed it
# could not make up, so it goes, and comes back to the present state.
QUEUE: Final = QueuePolicy(max_packets=2000, max_bytes=1 << 20, overflow="disconnect", stall_seconds=30.0)

Scope = Mapping[str, Any]


class UnknownEvent(RostrumError):
    """Nobody defined this event."""

    code = "unknown_event"
    status = 400
    sentence = "The server does not know this event."


class Realtime:
    """The sockets of this node.

    Args:
        authenticate: makes a principal from (API key, token), or raises a RostrumError.
        allowed_origins: origins besides the server's own; "*" allows all.
        max_bytes: largest event; a larger one is answered with `payload_too_large`. The transport closes the socket
            only above four times that size, so that an oversized event can be answered at all.
        rate, burst: events a second that one connection may send, and how many at once.
        most, most_per_address: connections at once (503 beyond), and from one address (429 beyond); None: no limit.
    """

    def __init__(
        self,
        authenticate: Authenticate,
        *,
        allowed_origins: Sequence[str] = (),
        max_bytes: int = 1 << 20,
        rate: float = 100.0,
        burst: float = 400.0,
        most: int | None = None,
        most_per_address: int | None = None,
    ) -> None:
        self._entrance = Entrance(authenticate, allowed_origins)
        self.rate, self.burst = rate, burst
        self._doors: dict[str, Door] = {}
        self._relay: Relay | None = None
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
            max_connections=most,
            max_connections_per_address=most_per_address,
            address_key=network_of,
            allow_origin=self._entrance.allows_origin,
            queue=QUEUE,
            search_binary=False,  # What the server sends is JSON.
        )
        self._main = self._server.of("/")
        self._main.use(self._entrance.admit)
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

    def span(self, bus: Bus, cluster: Cluster, principal_type: type) -> None:
        """Serve rooms together with other nodes.

        Args:
            principal_type: what `authenticate` returns; the other nodes get it as MessagePack.
        """
        self._relay = Relay(
            bus,
            cluster,
            dispatch=self._dispatch,
            gone=self._left,
            principal_type=principal_type,
            find=lambda connection_id: self._main.sockets.get(connection_id),  # noqa: PLW0108 - it has one type.
            deliver=self._main.deliver,
        )
        self._main.on_broadcast(self._relay.guests.broadcast)

    def start(self) -> None:
        """Begin to listen to other nodes."""
        if self._relay is not None:
            self._relay.start()

    def on(
        self,
        event: str,
        handler: Handler,
        *,
        room_of: RoomOf | None = None,
        settles: Settles = "never",
        frees: bool = False,
    ) -> None:
        """Let `handler(connection, *args)` answer an event; what it returns is the acknowledgement.

        Args:
            room_of: which room the event's arguments name; the node that leads it handles the event. Without it, that
                is the node that leads the room which the socket is in.
            settles, frees: what becomes of the room that the socket is in, see Door.

        Raises:
            ValueError: somebody else answers this event already.
        """
        if event in self._doors:
            raise ValueError(f"the event {event} has a handler already")
        self._doors[event] = Door(handler, room_of, settles, frees)

    def on_disconnect(self, callback: Callable[[Connection], Awaitable[None]]) -> None:
        """Call back after a socket has gone, for whatever reason, or has moved to a room that another node leads."""
        self._on_leave.append(callback)

    def on_refused(self, callback: Callable[[Connection, str, RostrumError], None]) -> None:
        """Call back after an event was answered with an error; it may await nothing."""
        self._on_refused.append(callback)

    @property
    def events(self) -> list[str]:
        """The names of all events that are answered."""
        return sorted(self._doors)

    @property
    def connections(self) -> int:
        """How many sockets are connected to this node."""
        return len(self._main.sockets)

    def all(self) -> list[Connection]:
        """The connections of this node's own sockets."""
        return [socket.data for socket in self._main.sockets.values()]

    def connection(self, connection_id: str) -> Connection | None:
        """The connection of this id, None if it has gone."""
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            return socket.data  # type: ignore[no-any-return]
        return None if self._relay is None else self._relay.guests.connections.get(connection_id)

    def enter(self, connection_id: str, group: str) -> None:
        """Add a connection to a group; groups exist while they have members."""
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            socket.join(group)
        elif self._relay is not None:
            self._relay.guests.enter(connection_id, group)

    def leave(self, connection_id: str, group: str) -> None:
        """Take a connection out of a group."""
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            socket.leave(group)
        elif self._relay is not None:
            self._relay.guests.leave(connection_id, group)

    def emit(self, event: str, body: Any, *, to: str, skip: str | None = None) -> None:
        """Send an event to a connection or to all of a group, `skip` being a connection to leave out."""
        self._main.to(to).except_(*(() if skip is None else (skip,))).emit(event, body)

    async def disconnect(self, connection_id: str, reason: str) -> None:
        """End a connection for good: the client's library does not come back by itself after this."""
        log.info("socket.disconnected_by_server", connection=connection_id, reason=reason)
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            socket.disconnect(close=True)
        elif self._relay is not None:
            self._relay.guests.end(connection_id, reason, for_good=True)

    def drop(self, connection_id: str, reason: str) -> None:
        """End a connection in the way that makes its client come back."""
        log.info("socket.dropped_by_server", connection=connection_id, reason=reason)
        socket = self._main.sockets.get(connection_id)
        if socket is not None:
            socket.drop()
        elif self._relay is not None:
            self._relay.guests.end(connection_id, reason, for_good=False)

    async def close(self) -> None:
        """Drop all sockets in the way that makes clients reconnect: for a restart of the server."""
        await self._server.close()
        if self._relay is not None:
            await self._relay.close()

    async def _connected(self, socket: Socket) -> None:
        handshake = socket.handshake
        socket.data = Connection(socket, socket.id, handshake.data, handshake.address, burst=self.burst)

    async def _gone(self, socket: Socket, _reason: str) -> None:
        if self._relay is not None:
            self._relay.left(socket.data)
        await self._left(socket.data)

    async def _left(self, connection: Connection) -> None:
        for callback in self._on_leave:
            try:
                await callback(connection)
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
        """Handle an event of a socket of this node; the acknowledgement."""
        connection: Connection = socket.data
        self._note_origin(connection)
        if not connection.spend(self.rate, self.burst):
            error = RateLimited("Too many messages; slow down.", retry_after=1)
            return await self._refused(connection, event, error, held=socket.connected)
        try:
            door, args = self._door(event), args[:ARGUMENTS_PER_EVENT]
            if self._relay is None:
                result = await door.handler(connection, *args)
            else:
                result = await self._relay.handle(connection, socket, event, door, args)
        except RostrumError as error:
            return await self._refused(connection, event, error, held=socket.connected)
        except Exception:
            log.exception("signal.failed", signal=event[:64], connection=connection.id)
            return InternalError().to_ack()
        return _acknowledgement(result)

    async def _dispatch(self, connection: Connection, event: str, args: list[Any]) -> tuple[int, bytes]:
        """Handle an event that another node has sent here: how it ended, and the acknowledgement as JSON."""
        relay = self._relay
        assert relay is not None
        self._note_origin(connection)
        try:
            belongs, answer = await relay.handle_forwarded(connection, self._door(event), args)
            if not belongs:
                return ELSEWHERE, b""
            return DONE, msgspec.json.encode(_acknowledgement(answer))
        except RostrumError as error:
            answer = await self._refused(connection, event, error)
        except Exception:
            log.exception("signal.failed", signal=event[:64], connection=connection.id)
            answer = InternalError().to_ack()
        return REFUSED, msgspec.json.encode(answer)

    def _door(self, event: str) -> Door:
        door = self._doors.get(event)
        if door is None:
            raise UnknownEvent()
        return door

    def _note_origin(self, connection: Connection) -> None:
        set_origin(Origin(connection.address, connection.id, getattr(connection.principal, "subject", "")))

    async def _refused(
        self, connection: Connection, event: str, error: RostrumError, *, held: bool = True
    ) -> dict[str, Any]:
        log.info("signal.refused", signal=event[:64], code=error.code, connection=connection.id)
        for callback in self._on_refused:
            callback(connection, event[:64], error)
        if held and isinstance(error, RateLimited):
            # Its next events wait meanwhile, and while many of them do, nothing more is read from it.
            await asyncio.sleep(PENALTY_SECONDS)
        return error.to_ack()


def _acknowledgement(result: Any) -> Any:
    if isinstance(result, tuple):
        return list(result)  # One value, and not several.
    return {} if result is None else result
