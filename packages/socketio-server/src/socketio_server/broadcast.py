"""From one event to many sockets: framed once, written many times, in order.

What is sent to rooms within one turn of the event loop is collected in a log. At the end of the turn, successive
messages to one room become one run, and each of its members gets the whole run in one write. What is sent to single
sockets meanwhile waits with its place in the log, so that each socket gets everything in the order of its sending.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from socketio_server.errors import SocketServerError
from socketio_server.queue import Overflow

if TYPE_CHECKING:
    from socketio_server.namespace import Namespace
    from socketio_server.socket import Socket

log = logging.getLogger("socketio_server")

SLICE: Final = 750
"""Members that are written to before the event loop gets its turn: 2 to 4 ms, the kernel's share included."""


class Room:
    """Sockets that are addressed together.

    Attributes:
        members: the sockets, in the order in which they came.
        run: the run that messages to this room may still be added to.
    """

    __slots__ = ("members", "run")

    def __init__(self) -> None:
        self.members: dict[Socket, None] = {}
        self.run: Run | None = None

    def add(self, socket: "Socket") -> None:
        """Let it in; it gets what is sent from now on."""
        self.settle()
        self.members[socket] = None

    def remove(self, socket: "Socket") -> None:
        """Let it out; it still gets what was sent before."""
        self.settle()
        self.members.pop(socket, None)

    def settle(self) -> None:
        """Let the present run be for those who are in the room now."""
        if self.run is not None:
            self.run.members = list(self.members)
            self.run = None


class Entry(NamedTuple):
    """A message in the log: its place, its frames, and who of the members is left out."""

    place: int
    wire: bytes
    skip: Collection["Socket"]


class Single(NamedTuple):
    """A message to one socket: its place in the log, its frames, and its queue policy."""

    place: int
    wire: bytes
    key: str | None
    policy: Overflow | None


class Run:
    """Successive messages to the same sockets. Without `members`, they are those of the room when it is written."""

    __slots__ = ("entries", "key", "members", "policy", "room")

    def __init__(
        self, room: Room | None, members: list["Socket"] | None, key: str | None, policy: Overflow | None
    ) -> None:
        self.room = room
        self.members = members
        self.key = key
        self.policy = policy
        self.entries: list[Entry] = []

    def close(self) -> list["Socket"]:
        """Take no more messages; the members."""
        if self.room is not None and self.room.run is self:
            self.room.run = None
        if self.members is None:
            self.members = list(self.room.members) if self.room is not None else []
        return self.members


class Fanout:
    """Writes the log.

    Args:
        pause: seconds between two rounds of writing. More lets more messages share a write; 0 writes each turn.
    """

    def __init__(self, pause: float = 0.0) -> None:
        self._pause = pause
        self._log: list[Run] = []
        self._singles: dict[Socket, deque[Single]] = {}
        self._skipped: set[Socket] = set()
        self._place = 0
        self._round: Iterator[None] | None = None
        self._busy = False
        self._timer: asyncio.Handle | None = None
        self._last = 0.0

    def to_room(
        self,
        room: Room,
        wire: bytes,
        skip: Collection["Socket"] = (),
        key: str | None = None,
        policy: Overflow | None = None,
    ) -> None:
        """Send frames to a room's members."""
        run = room.run
        is_open = run is not None and self._log[-1:] == [run] and run.key is None and run.policy is None
        if run is None or not is_open or key is not None or policy is not None:
            room.settle()
            run = room.run = Run(room, None, key, policy)
            self._log.append(run)
        self._add(run, wire, skip)

    def to_members(
        self, members: list["Socket"], wire: bytes, key: str | None = None, policy: Overflow | None = None
    ) -> None:
        """Send frames to these sockets."""
        run = Run(None, members, key, policy)
        self._log.append(run)
        self._add(run, wire, ())

    def to_one(self, socket: "Socket", wire: bytes, key: str | None = None, policy: Overflow | None = None) -> None:
        """Send frames to a socket: at once, unless something sent before is still waiting."""
        if self._timer is None:
            socket.deliver(wire, key, policy)
            return
        self._place += 1
        self._singles.setdefault(socket, deque()).append(Single(self._place, wire, key, policy))

    def flush(self) -> None:
        """Write all that waits, now: something is to be closed after it."""
        while self._timer is not None and not self._busy:
            self._timer.cancel()
            self._step(whole=True)

    def _add(self, run: Run, wire: bytes, skip: Collection["Socket"]) -> None:
        self._place += 1
        run.entries.append(Entry(self._place, wire, skip))
        if skip:
            self._skipped.update(skip)
        if self._timer is None:
            self._schedule()

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pause and loop.time() < self._last + self._pause:
            self._timer = loop.call_at(self._last + self._pause, self._step)
        else:
            self._timer = loop.call_soon(self._step)

    def _step(self, whole: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self._busy = True
        try:
            self._round = self._round or self._write()
            for _ in self._round:
                if not whole:
                    self._timer = loop.call_soon(self._step)
                    return
        except Exception:
            log.exception("a broadcast broke off")
        finally:
            self._busy = False
        self._round = self._timer = None
        self._last = loop.time()
        if self._log or self._singles:
            self._schedule()

    def _write(self) -> Iterator[None]:
        """Write what has been logged up to now; pauses after each slice."""
        runs, singles, skipped = self._log, self._singles, self._skipped
        self._log, self._singles, self._skipped, self._place = [], {}, set(), 0
        addressed = [(run, run.close()) for run in runs]
        special = skipped.union(singles)
        for run, members in addressed:
            for start in range(0, len(members), SLICE):
                if start:
                    yield
                _write_run(run, members[start : start + SLICE] if len(members) > SLICE else members, special, singles)
        for socket, waiting in singles.items():
            for single in waiting:
                socket.deliver(single.wire, single.key, single.policy)


def _write_run(
    run: Run, members: list["Socket"], special: set["Socket"], singles: dict["Socket", deque[Single]]
) -> None:
    entries = run.entries
    wire = entries[0].wire if len(entries) == 1 else b"".join([entry.wire for entry in entries])
    if run.key is not None or run.policy is not None:
        for socket in members:
            _write_in_order(socket, run, singles.get(socket))
    elif not special:
        for socket in members:
            socket.write(wire)
    else:
        for socket in members:
            if socket in special:
                _write_in_order(socket, run, singles.get(socket))
            else:
                socket.write(wire)


def _write_in_order(socket: "Socket", run: Run, waiting: deque[Single] | None) -> None:
    for place, wire, skip in run.entries:
        while waiting and waiting[0].place < place:
            single = waiting.popleft()
            socket.deliver(single.wire, single.key, single.policy)
        if socket not in skip:
            socket.deliver(wire, run.key, run.policy)


class Broadcast:
    """Whom to send to: the members of some rooms (of all, without any), except some."""

    __slots__ = ("_excepted", "_namespace", "_rooms")

    def __init__(self, namespace: "Namespace", rooms: tuple[str, ...] = (), excepted: tuple[str, ...] = ()) -> None:
        self._namespace = namespace
        self._rooms = rooms
        self._excepted = excepted

    def to(self, *rooms: str) -> "Broadcast":
        """The members of these rooms as well; a socket's id is a room of its own."""
        return Broadcast(self._namespace, self._rooms + rooms, self._excepted)

    def except_(self, *rooms: str) -> "Broadcast":
        """Not the members of these rooms, nor the sockets of these ids."""
        return Broadcast(self._namespace, self._rooms, self._excepted + rooms)

    def sockets(self) -> "list[Socket]":
        """Those who are meant, as it stands now."""
        return self._namespace.select(self._rooms, self._excepted)

    def emit(self, event: str, *args: Any, policy: Overflow | None = None, key: str | None = None) -> None:
        """Send an event. Awaits nothing; encodes and frames once.

        Args:
            policy: what happens to it where a client's queue is full, instead of the server's policy.
            key: with the policy `coalesce`, it replaces a waiting message of the same key.
        """
        wire = self._namespace.encode(event, args, self._rooms, self._excepted, policy)
        self._namespace.announce(self._rooms, self._excepted, wire)
        self._namespace.deliver(self._rooms, self._excepted, wire, policy=policy, key=key)

    async def call(self, event: str, *args: Any, timeout: float = 5.0) -> list[Any]:
        """Send an event and wait for the acknowledgements of all who are meant, on this node.

        Args:
            timeout: seconds; who has not answered by then, or has gone, is left out.
        """
        calls = (socket.call(event, *args, timeout=timeout) for socket in self.sockets())
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, SocketServerError):
                raise answer
        return [answer for answer in answers if not isinstance(answer, BaseException)]
