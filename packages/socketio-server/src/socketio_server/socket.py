"""One client in one namespace."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from socketio_server import packets
from socketio_server.errors import CallTimeout, ConnectRefused, Disconnected, PacketError
from socketio_server.frames import GOING_AWAY
from socketio_server.handshake import Handshake
from socketio_server.queue import Overflow
from socketio_server.recovery import RECOVERABLE

if TYPE_CHECKING:
    from socketio_server.namespace import Namespace
    from socketio_server.session import Session

log = logging.getLogger("socketio_server")

PER_TURN: Final = 64
"""Events of one client that are handled before the event loop gets its turn."""
INBOX_EVENTS: Final = 64
"""Events that may wait for a handler before the client is no longer read from."""

MALFORMED: Final = "malformed"
TOO_LARGE: Final = "too large"


class Event(NamedTuple):
    """An event that waits for its handler.

    Attributes:
        name, args: what the client sent.
        number: of the acknowledgement that it asks for, or None.
        problem: why there is no name, else empty.
        size: bytes that it holds, about.
    """

    name: str
    args: list[Any]
    number: int | None
    problem: str
    size: int


def nowhere(_wire: bytes) -> None:
    """What is sent to a socket that has gone."""


class Socket:
    """One client in one namespace.

    Attributes:
        id: unguessable, known to the client.
        handshake: how the client introduced itself.
        data: for the application.
        connected: whether events reach the client.
        write: sends frames; changes with the state of the client's transport.
    """

    __slots__ = (
        "_admitted",
        "_answering",
        "_calls",
        "_inbox",
        "_inbox_size",
        "_number",
        "_reason",
        "_rooms",
        "_working",
        "connected",
        "data",
        "handshake",
        "id",
        "namespace",
        "session",
        "write",
    )

    def __init__(self, namespace: "Namespace", session: "Session", handshake: Handshake) -> None:
        self.id = handshake.id
        self.namespace = namespace
        self.session = session
        self.handshake = handshake
        self.data: Any = None
        self.connected = True
        self.write: Callable[[bytes], None] = session.write
        self._admitted = False
        self._answering: int | None = None
        self._working = False
        self._inbox: deque[Event] | None = None
        self._inbox_size = 0
        self._rooms: set[str] | None = None
        self._calls: dict[int, asyncio.Future[list[Any]]] | None = None
        self._number = 0
        self._reason = ""

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that it is in; that of its own id is not among them."""
        return frozenset(self._rooms or ())

    @property
    def recovered(self) -> bool:
        """Whether it has come back as what it was before it lost its connection: its id, rooms and data."""
        return self.handshake.restored is not None

    @property
    def wants_answer(self) -> bool:
        """Whether the event that is being handled still waits for an acknowledgement."""
        return self._answering is not None

    def answer(self, *values: Any) -> None:
        """Acknowledge the event that is being handled before its handler returns, whose own answer is then left.

        What is sent to the client from now on comes after the acknowledgement.
        """
        number, self._answering = self._answering, None
        if number is not None and self.connected:
            self._send(packets.ACK, number, list(values))

    def join(self, room: str) -> None:
        """Enter a room. A socket that has gone enters none."""
        if self.connected:
            self._rooms = self._rooms or set()
            self._rooms.add(room)
            self.namespace.enter(self, room)

    def leave(self, room: str) -> None:
        """Leave a room; without effect for one that it is not in."""
        if self._rooms and room in self._rooms:
            self._rooms.discard(room)
            self.namespace.leave(self, room)

    def emit(self, event: str, *args: Any, policy: Overflow | None = None, key: str | None = None) -> None:
        """Send an event, see `Broadcast.emit`. Awaits nothing; nothing happens if the socket has gone."""
        if self.connected:
            wire = self.namespace.encode(event, args, (self.id,), policy=policy)
            self.namespace.server.fanout.to_one(self, wire, key, policy)

    async def call(self, event: str, *args: Any, timeout: float = 5.0) -> Any:
        """Send an event and wait for its acknowledgement.

        Returns:
            What the client answered: the value, a tuple of several values, or None.

        Raises:
            CallTimeout: it did not answer within `timeout` seconds.
            Disconnected: it has gone.
        """
        if not self.connected:
            raise Disconnected("the socket has gone")
        calls = self._calls = {} if self._calls is None else self._calls
        number = self._number = self._number + 1
        answer = calls[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(packets.EVENT, number, [event, *args])
            async with asyncio.timeout(timeout):
                values = await answer
        except TimeoutError:
            raise CallTimeout("the client did not acknowledge in time") from None
        finally:
            calls.pop(number, None)
        return values[0] if len(values) == 1 else tuple(values) or None

    def disconnect(self, close: bool = False) -> None:
        """Tell the client to go, for good: its library does not come back by itself.

        Args:
            close: end its other namespaces and its transport as well.
        """
        if self.connected:
            self._send(packets.DISCONNECT, None, None)
            session, reason = self.session, "server namespace disconnect"
            session.server.fanout.settle(self)
            session.leave(self)
            self.gone(reason, finish=False)
            if close:
                session.end(reason)

    def drop(self, reason: str = "transport close") -> None:
        """End the client's transport, after what has been sent, in the way that makes its library come back."""
        if self.connected:
            self.session.end(reason, GOING_AWAY, reason)

    def deliver(self, wire: bytes, key: str | None = None, policy: Overflow | None = None) -> None:
        """Write frames, with a queue policy of their own."""
        if key is None and policy is None:
            self.write(wire)
        elif self.connected:
            self.session.write_by(wire, key, policy)

    def start(self) -> None:
        """Begin with the namespace's middlewares; the session calls this once."""
        self._run()

    def receive(self, event: Event) -> None:
        """Take an event; it is handled after those before it."""
        self._inbox = deque() if self._inbox is None else self._inbox
        self._inbox.append(event)
        self._inbox_size += event.size
        if not self._working:
            self._run()
        elif self.is_congested:
            self.session.hold()

    def acknowledge(self, number: int | None, values: Any) -> None:
        """Take the answer to a call; one that nobody waits for is left."""
        waiting = self._calls.get(number) if self._calls and number is not None else None
        if not isinstance(values, list):
            raise PacketError("the payload of an acknowledgement is not a list")
        if waiting is not None and not waiting.done():
            waiting.set_result(values)

    @property
    def is_congested(self) -> bool:
        """Whether no more should be read from the client for now."""
        if self._inbox is None:
            return False
        return len(self._inbox) >= INBOX_EVENTS or self._inbox_size > self.namespace.server.max_payload

    def gone(self, reason: str, *, finish: bool) -> None:
        """It is disconnected; with `finish`, what it had sent before is still handled."""
        if not self.connected:
            return
        if self._admitted and self.namespace.recovery is not None and reason in RECOVERABLE:
            self.namespace.recovery.remember(self)
        self.connected = False
        self.write = nowhere
        self._reason = reason
        for waiting in (self._calls or {}).values():
            if not waiting.done():
                waiting.set_exception(Disconnected("the socket has gone"))
        if not finish:
            self._inbox = None
        if not self._working:
            self._take_out()
            if self._admitted and self.namespace.wants_to_know:
                self._run()

    def _run(self) -> None:
        self._working = True
        self.namespace.server.spawn(self._work())

    async def _work(self) -> None:
        """Handle what has come, one after the other. Lasts only as long as there is something to do."""
        if not self._admitted and not await self._admit():
            self._take_out()
            return
        left = PER_TURN
        while self._inbox:
            event = self._inbox.popleft()
            self._inbox_size -= event.size
            await self._handle(event)
            if self.session.held and not self.is_congested:
                self.session.release()
            left -= 1
            if not left:
                # Handlers that await nothing would otherwise keep the event loop for as long as one client has more.
                left = PER_TURN
                await asyncio.sleep(0)
        self._working = False
        if not self.connected:
            self._take_out()
            await self.namespace.disconnected(self, self._reason)

    async def _admit(self) -> bool:
        try:
            await self.namespace.check(self.handshake)
        except ConnectRefused as error:
            facts = {"message": error.sentence} | ({} if error.data is None else {"data": error.data})
            self._refuse(facts)
            return False
        except Exception:
            log.exception("a middleware failed")
            self._refuse({"message": "Internal server error"})
            return False
        if not self.connected:
            return False
        self._admitted = True
        self.session.joined()
        self.namespace.connected(self)
        missed = self._restored()
        secret = {"pid": self.handshake.secret} if self.handshake.secret else {}
        self._send(packets.CONNECT, None, {"sid": self.id, **secret})
        for wire in missed:
            self.namespace.server.fanout.to_one(self, wire)
        await self.namespace.welcome(self)
        return True

    def _restored(self) -> list[bytes]:
        """Be what it was before it lost its connection, if it comes back; what it has missed."""
        handshake, recovery = self.handshake, self.namespace.recovery
        if recovery is None or handshake.restored is None:
            return []
        left, place = handshake.restored
        missed = recovery.missed(left, place)
        if missed is None:
            handshake.restored, handshake.secret = None, secrets.token_urlsafe(15)
            return []
        self.data = left.data
        for room in left.rooms:
            self.join(room)
        return missed

    def _refuse(self, facts: dict[str, Any]) -> None:
        if self.connected:
            self._send(packets.CONNECT_ERROR, None, facts)
            self.namespace.server.fanout.settle(self)
            self.session.leave(self, refused=True)
            self.connected = False
            self.write = nowhere

    async def _handle(self, event: Event) -> None:
        self._answering = event.number
        try:
            has_answer, answer = await self.namespace.handle(self, event)
            if has_answer and self._answering is not None:
                self.answer(*(answer if isinstance(answer, tuple) else () if answer is None else (answer,)))
        except PacketError as error:
            self.session.failed(error)
        except Exception:
            log.exception("the handler of an event failed")
        finally:
            self._answering = None

    def _send(self, kind: int, number: int | None, data: Any) -> None:
        server = self.namespace.server
        wire = packets.encode(kind, self.namespace.name, number, data, search=server.search_binary)
        server.fanout.to_one(self, wire)

    def _take_out(self) -> None:
        for room in self._rooms or ():
            self.namespace.leave(self, room)
        self._rooms = None
        self.namespace.forget(self)
        self._calls = None
