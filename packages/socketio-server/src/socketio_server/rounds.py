"""What waits to be written to rooms and sockets, and the writing itself, slice by slice.

Successive messages to one room become one run, and each of its members gets the whole run in one write, or in several
if it is long. What is sent to single sockets meanwhile waits with its place in the log, so that each socket gets
everything in order.
"""

from collections import deque
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from socketio_server.pace import FEW, Pace
from socketio_server.queue import WATER, Overflow

if TYPE_CHECKING:
    from socketio_server.socket import Socket

Singles = dict["Socket", "deque[Single]"]


class Room:
    """Sockets that are addressed together.

    Attributes:
        members: the sockets, in the order in which they came.
        run: the run that messages to this room may still be added to.
    """

    __slots__ = ("_listed", "members", "run")

    def __init__(self) -> None:
        self.members: dict[Socket, None] = {}
        self.run: Run | None = None
        self._listed: list[Socket] | None = None

    def add(self, socket: "Socket") -> None:
        """Let it in; it gets what is sent from now on."""
        self.settle()
        self.members[socket] = None
        self._listed = None

    def remove(self, socket: "Socket") -> None:
        """Let it out; it still gets what was sent before."""
        self.settle()
        self.members.pop(socket, None)
        self._listed = None

    def settle(self) -> None:
        """Let the present run be for those who are in the room now."""
        if self.run is not None:
            self.run.members = self.listed()
            self.run = None

    def listed(self) -> list["Socket"]:
        """Those who are in the room now. Until somebody comes or goes, all runs share the list; nobody changes it."""
        if self._listed is None:
            self._listed = list(self.members)
        return self._listed


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
    """Successive messages to the same sockets.

    Attributes:
        members: who is still to get it; None as long as it is for those who are in the room when it is written.
    """

    __slots__ = ("_among", "_wires", "entries", "key", "members", "policy", "room")

    def __init__(
        self, room: Room | None, members: list["Socket"] | None, key: str | None, policy: Overflow | None
    ) -> None:
        self.room = room
        self.members = members
        self.key = key
        self.policy = policy
        self.entries: list[Entry] = []
        self._wires: list[bytes] | None = None
        self._among: set[Socket] | None = None

    def close(self) -> list["Socket"]:
        """Take no more messages; who is still to get it."""
        if self.room is not None and self.room.run is self:
            self.room.run = None
        if self.members is None:
            self.members = self.room.listed() if self.room is not None else []
        return self.members

    def leave(self, members: list["Socket"]) -> None:
        """Only these are still to get it."""
        self.members = members
        self._among = None

    def is_for(self, socket: "Socket") -> bool:
        """Whether a socket is still to get it."""
        if self._among is None:
            self._among = set(self.close())
        return socket in self._among

    @property
    def wires(self) -> list[bytes]:
        """All its messages; the same bytes for everybody, since they may wait for many who are slow."""
        if self._wires is None:
            self._wires = _bunches([entry.wire for entry in self.entries])
        return self._wires


class Round:
    """What was logged up to a moment, on its way to the sockets.

    Args:
        runs: they take no more messages.
        singles: what is for single sockets.
        skipped: who is left out of a message.
    """

    __slots__ = ("_runs", "_singles", "_special")

    def __init__(self, runs: Iterable[Run], singles: Singles, skipped: set["Socket"]) -> None:
        self._runs = deque(runs)
        for run in self._runs:
            run.close()
        self._singles = singles
        self._special = skipped.union(singles)

    def write(self, pace: Pace) -> bool:
        """Write a slice; whether that was the last one."""
        while self._runs:
            if not self._write_run(self._runs[0], pace):
                return False
            self._runs.popleft()
        while self._singles:
            socket, waiting = self._singles.popitem()
            over = pace.used(len(waiting))
            _deliver(socket, waiting)
            if over:
                return False
        return True

    def settle(self, socket: "Socket") -> None:
        """Write to a socket at once what is still to come for it."""
        settle(socket, self._runs, self._singles)

    def _write_run(self, run: Run, pace: Pace) -> bool:
        members, wires = run.close(), run.wires
        is_plain = run.key is None and run.policy is None
        for start in range(0, len(members), FEW):
            few = members[start : start + FEW]
            plain = few
            if not is_plain or self._special:
                plain = [socket for socket in few if is_plain and socket not in self._special]
                for socket in few:
                    if not is_plain or socket in self._special:
                        _write_in_order(socket, run, self._singles.get(socket))
            for wire in wires:
                for socket in plain:
                    socket.write(wire)
            if pace.used(len(few) * len(wires)):
                run.leave(members[start + FEW :])
                return False
        return True


def settle(socket: "Socket", runs: Iterable[Run], singles: Singles) -> None:
    """Write to a socket at once what is still to come for it, in order."""
    waiting = singles.pop(socket, None)
    for run in runs:
        if run.is_for(socket):
            _write_in_order(socket, run, waiting)
    if waiting:
        _deliver(socket, waiting)


def _write_in_order(socket: "Socket", run: Run, waiting: deque[Single] | None) -> None:
    wires: list[bytes] = []
    for place, wire, skip in run.entries:
        if waiting and waiting[0].place < place:
            _deliver_all(socket, wires, run)
            wires = []
            while waiting and waiting[0].place < place:
                _deliver(socket, (waiting.popleft(),))
        if socket not in skip:
            wires.append(wire)
    _deliver_all(socket, wires, run)


def _deliver_all(socket: "Socket", wires: list[bytes], run: Run) -> None:
    for wire in _bunches(wires):
        socket.deliver(wire, run.key, run.policy)


def _deliver(socket: "Socket", waiting: Iterable[Single]) -> None:
    for single in waiting:
        socket.deliver(single.wire, single.key, single.policy)


def _bunches(wires: list[bytes]) -> list[bytes]:
    """Messages in as few writes as may be.

    A transport takes one write more than its limit, and a queue takes or drops it as a whole: however long a run has
    become while the server was busy, each has to be small.
    """
    bunches: list[list[bytes]] = []
    free = 0
    for wire in wires:
        free -= len(wire)
        if free < 0 or not bunches:
            bunches.append([])
            free = WATER - len(wire)
        bunches[-1].append(wire)
    # Of a single message, this makes no copy.
    return [b"".join(bunch) for bunch in bunches]
