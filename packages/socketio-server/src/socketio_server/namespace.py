"""A namespace: its sockets and rooms, and what the application does with their events."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from socketio_server.broadcast import Broadcast
from socketio_server.errors import PacketError
from socketio_server.handshake import Handshake
from socketio_server.packets import encode_event
from socketio_server.queue import Overflow
from socketio_server.recovery import Recovery
from socketio_server.rounds import Room
from socketio_server.socket import Event, Socket

if TYPE_CHECKING:
    from socketio_server.server import Server

log = logging.getLogger("socketio_server")

Middleware = Callable[[Handshake], Awaitable[None]]
Handler = Callable[..., Awaitable[Any]]
AnyHandler = Callable[[Socket, str, list[Any]], Awaitable[Any]]
InvalidHandler = Callable[[Socket, str], Awaitable[Any]]
OnConnect = Callable[[Socket], Awaitable[None]]
OnDisconnect = Callable[[Socket, str], Awaitable[None]]
OnBroadcast = Callable[[tuple[str, ...], tuple[str, ...], bytes], None]


class Namespace:
    """What clients reach under one name, over one transport or many.

    Attributes:
        name: begins with a slash.
        sockets: those who are connected, by their ids.
        rooms: those that have members, by their names.
        recovery: what is remembered for clients that lose their connection; None for nothing.
    """

    def __init__(self, server: "Server", name: str) -> None:
        self.server = server
        self.name = name
        self.sockets: dict[str, Socket] = {}
        self.rooms: dict[str, Room] = {}
        self.recovery = None if server.recovery is None else Recovery(server.recovery, server.now)
        self._everyone = Room()
        self._middlewares: list[Middleware] = []
        self._handlers: dict[str, Handler] = {}
        self._any: AnyHandler | None = None
        self._invalid: InvalidHandler | None = None
        self._on_connect: list[OnConnect] = []
        self._on_disconnect: list[OnDisconnect] = []
        self._on_broadcast: list[OnBroadcast] = []

    def use(self, middleware: Middleware) -> None:
        """Let it look at each handshake; it raises `ConnectRefused` to refuse one. They run in their order."""
        self._middlewares.append(middleware)

    def on(self, event: str, handler: Handler) -> None:
        """Let `handler(socket, *args)` handle an event.

        What it returns is the acknowledgement, if the client asks for one: a tuple means several values, None none.

        Raises:
            ValueError: the event has a handler.
        """
        if event in self._handlers:
            raise ValueError(f"the event {event} has a handler already")
        self._handlers[event] = handler

    def on_any(self, handler: AnyHandler) -> None:
        """Let `handler(socket, event, args)` handle all events that have no handler of their own."""
        self._any = handler

    def on_invalid(self, handler: InvalidHandler) -> None:
        """Let `handler(socket, problem)` answer events that cannot be read, instead of ending their session.

        The problem is `malformed` or `too large`. What it returns is the acknowledgement; if it raises `PacketError`,
        the session ends after all.
        """
        self._invalid = handler

    def on_connect(self, callback: OnConnect) -> None:
        """Call back when a socket has connected, before any of its events."""
        self._on_connect.append(callback)

    def on_disconnect(self, callback: OnDisconnect) -> None:
        """Call back with a socket and Socket.IO's reason when it has gone, after all of its events."""
        self._on_disconnect.append(callback)

    def on_broadcast(self, callback: OnBroadcast) -> None:
        """Call back with the rooms, the excepted rooms and the frames of each broadcast that begins on this node.

        For a bus between nodes: it carries the frames to the others, where `deliver` takes them.
        """
        self._on_broadcast.append(callback)

    def to(self, *rooms: str) -> Broadcast:
        """The members of these rooms; a socket's id is a room of its own."""
        return Broadcast(self, rooms)

    def except_(self, *rooms: str) -> Broadcast:
        """All sockets but the members of these rooms."""
        return Broadcast(self, (), rooms)

    def emit(self, event: str, *args: Any, policy: Overflow | None = None, key: str | None = None) -> None:
        """Send an event to all sockets, see `Broadcast.emit`."""
        Broadcast(self).emit(event, *args, policy=policy, key=key)

    def deliver(
        self,
        rooms: tuple[str, ...],
        excepted: tuple[str, ...],
        wire: bytes,
        *,
        policy: Overflow | None = None,
        key: str | None = None,
    ) -> None:
        """Send frames to the sockets of this node that are meant."""
        fanout = self.server.fanout
        skip = [self.sockets.get(name) for name in excepted]
        if len(rooms) > 1 or (excepted and any(name in self.rooms for name in excepted)):
            fanout.to_members(self.select(rooms, excepted), wire, key, policy)
        elif rooms and (single := self.sockets.get(rooms[0])) is not None:
            if single not in skip:
                fanout.to_one(single, wire, key, policy)
        else:
            room = self.rooms.get(rooms[0]) if rooms else self._everyone
            if room is not None and room.members:
                fanout.to_room(room, wire, [socket for socket in skip if socket is not None], key, policy)

    def select(self, rooms: tuple[str, ...], excepted: tuple[str, ...]) -> list[Socket]:
        """The sockets that are meant; each once."""
        chosen = dict.fromkeys(self._members(rooms) if rooms else self.sockets.values())
        for socket in self._members(excepted):
            chosen.pop(socket, None)
        return list(chosen)

    def _members(self, rooms: tuple[str, ...]) -> Iterable[Socket]:
        for name in rooms:
            if name in self.sockets:
                yield self.sockets[name]
            if name in self.rooms:
                yield from self.rooms[name].members

    def encode(
        self,
        event: str,
        args: tuple[Any, ...],
        rooms: tuple[str, ...],
        excepted: tuple[str, ...] = (),
        policy: Overflow | None = None,
    ) -> bytes:
        """An event as frames. It is remembered for who may miss it, unless by its policy it may be missed."""
        search, recovery = self.server.search_binary, self.recovery
        if recovery is None or policy in ("drop", "coalesce"):
            return encode_event(self.name, event, args, search=search)
        wire = encode_event(self.name, event, (*args, recovery.offset()), search=search)
        recovery.keep(rooms, excepted, wire)
        return wire

    def announce(self, rooms: tuple[str, ...], excepted: tuple[str, ...], wire: bytes) -> None:
        """Tell of a broadcast that begins here."""
        for callback in self._on_broadcast:
            callback(rooms, excepted, wire)

    def enter(self, socket: Socket, name: str) -> None:
        """Add a socket to a room; called by the socket."""
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room()
        room.add(socket)

    def leave(self, socket: Socket, name: str) -> None:
        """Take a socket out of a room; called by the socket."""
        room = self.rooms.get(name)
        if room is not None:
            room.remove(socket)
            if not room.members:
                del self.rooms[name]

    async def check(self, handshake: Handshake) -> None:
        """Run the middlewares."""
        for middleware in self._middlewares:
            await middleware(handshake)

    def connected(self, socket: Socket) -> None:
        """Count a socket in."""
        self.sockets[socket.id] = socket
        self._everyone.add(socket)

    def forget(self, socket: Socket) -> None:
        """Count a socket out."""
        if self.sockets.get(socket.id) is socket:  # Else it is somebody who has come back under the same id.
            del self.sockets[socket.id]
        self._everyone.remove(socket)

    async def welcome(self, socket: Socket) -> None:
        """Tell the application of a new socket."""
        for callback in self._on_connect:
            try:
                await callback(socket)
            except Exception:
                log.exception("a callback of a connection failed")

    @property
    def wants_to_know(self) -> bool:
        """Whether anybody wants to hear of sockets that go."""
        return bool(self._on_disconnect)

    async def disconnected(self, socket: Socket, reason: str) -> None:
        """Tell the application of a socket that has gone."""
        for callback in self._on_disconnect:
            try:
                await callback(socket, reason)
            except Exception:
                log.exception("a callback of a disconnection failed")

    async def handle(self, socket: Socket, event: Event) -> tuple[bool, Any]:
        """Let the application handle an event: whether somebody did, and the answer.

        Raises:
            PacketError: the event cannot be read, and nobody wants to answer such.
        """
        if event.problem:
            if self._invalid is None:
                raise PacketError(f"an event that is {event.problem}")
            return True, await self._invalid(socket, event.problem)
        handler = self._handlers.get(event.name)
        if handler is not None:
            return True, await handler(socket, *event.args)
        if self._any is not None:
            return True, await self._any(socket, event.name, event.args)
        return False, None
