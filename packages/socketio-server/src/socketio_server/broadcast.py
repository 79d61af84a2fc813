"""From one event to many sockets: framed once, written many times, in order.

What is sent to rooms within one turn of the event loop is collected in a log. At the end of the turn it is closed and
becomes a round, which is written in slices: the event loop gets its turn after each. What is sent meanwhile waits for
the next round, so that each socket gets everything in the order of its sending.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from socketio_server.errors import SocketServerError
from socketio_server.pace import Pace
from socketio_server.queue import Overflow
from socketio_server.rounds import Entry, Room, Round, Run, Single, Singles, settle

if TYPE_CHECKING:
    from socketio_server.namespace import Namespace
    from socketio_server.socket import Socket

log = logging.getLogger("socketio_server")


class Fanout:
    """Writes the log.

    Args:
        pause: seconds between two rounds of writing. More lets more messages share a write; 0 writes each turn.
    """

    def __init__(self, pause: float = 0.0) -> None:
        self._pause = pause
        self._pace = Pace()
        self._log: list[Run] = []
        self._singles: Singles = {}
        self._skipped: set[Socket] = set()
        self._place = 0
        self._round: Round | None = None
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

    def settle(self, socket: "Socket") -> None:
        """Write to a socket at once what waits for it, before it is let go; the others are still written to in turn."""
        if self._timer is not None:
            if self._round is not None:
                self._round.settle(socket)
            settle(socket, self._log, self._singles)

    def flush(self) -> None:
        """Write all that waits, now: everything is to be closed after it."""
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
        self._pace.begin()
        loop.call_soon(self._pace.end)
        try:
            self._round = self._round or self._close_log()
            while not self._round.write(self._pace):
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

    def _close_log(self) -> Round:
        """What has been logged up to now; a new log begins."""
        logged = Round(self._log, self._singles, self._skipped)
        self._log, self._singles, self._skipped, self._place = [], {}, set(), 0
        return logged


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
