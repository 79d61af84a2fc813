"""Sockets of this node whose room another node leads: their events go there, what they are sent comes from there."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

import msgspec

from rostrum.kit.bus import Bus
from rostrum.kit.cluster import NodeUnreachable
from rostrum.kit.errors import InvalidInput, PayloadTooLarge
from rostrum.kit.letters import (
    DONE,
    ELSEWHERE,
    Answered,
    Called,
    Ended,
    Entered,
    Exited,
    Gone,
    Introduced,
    Letter,
    Sent,
)
from rostrum.kit.links import Link, Links
from rostrum.kit.sockets import Connection

CALL_SECONDS: Final = 15.0
"""So long an event may take another node; a node that is gone is noticed before."""
LARGEST_EVENT: Final = 256 * 1024
MOST_ON_THEIR_WAY: Final = 2 * 1024 * 1024
"""Bytes of one event, and of all that one node has sent to another and not been answered. Redis cuts off listeners for
whom more than 8 MB wait for a while: whoever sends much may hold up who sends much, and never end the link of all."""


class LocalSocket(Protocol):
    """What is done with a socket of this node."""

    @property
    def rooms(self) -> Collection[str]:
        """The groups that it is in."""

    @property
    def wants_answer(self) -> bool:
        """Whether that event asks for an acknowledgement."""

    def answer(self, *values: Any) -> None:
        """Acknowledge the event that is being handled."""

    def join(self, room: str) -> None:
        """Enter a group."""

    def leave(self, room: str) -> None:
        """Leave a group."""

    def disconnect(self, close: bool = False) -> None:
        """End it for good."""

    def drop(self, reason: str = "") -> None:
        """End it so that its client comes back."""


class _Call:
    """An event that another node handles."""

    __slots__ = ("answered", "connection", "link", "settles", "socket")

    def __init__(self, link: Link[Letter], connection: Connection, socket: LocalSocket, *, settles: bool) -> None:
        self.link = link
        self.connection = connection
        self.settles = settles
        self.socket = socket
        self.answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()


class Forwarding:
    """Takes events to the nodes that lead their rooms.

    Args:
        find: the socket of an id, None when it has gone.
        deliver: writes frames to groups and sockets of this node.
    """

    def __init__(
        self,
        bus: Bus,
        find: Callable[[str], LocalSocket | None],
        deliver: Callable[[tuple[str, ...], tuple[str, ...], bytes], None],
    ) -> None:
        self._bus = bus
        self._find = find
        self._deliver = deliver
        self._calls: dict[int, _Call] = {}
        self._on_their_way: Counter[str] = Counter()
        self._answer_came = asyncio.Event()
        self._number = 0
        self._homed: dict[Link[Letter], set[str]] = {}
        self._entered: dict[tuple[str, Link[Letter]], set[str]] = {}

    async def forward(
        self,
        links: Links[Letter],
        connection: Connection,
        socket: LocalSocket,
        node: str,
        event: str,
        args: list[Any],
        *,
        settles: bool,
    ) -> int:
        """Let another node handle an event; its acknowledgement has been sent when this returns. How it ended.

        Args:
            settles: whether the socket is in a room of that node from then on, and in no other.

        Raises:
            NodeUnreachable: that node, or the way to it, is gone; whether the event was handled nobody knows.
            InvalidInput, PayloadTooLarge: the event holds what cannot be told to another node.
        """
        packed = _packed(args)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                while self._on_their_way[node] + len(packed) > MOST_ON_THEIR_WAY:
                    self._answer_came.clear()
                    await self._answer_came.wait()
                if self._bus.problem():
                    raise NodeUnreachable(retry_after=1)
                call = _Call(links.to(node), connection, socket, settles=settles)
                return await self._call(call, event, packed)
        except TimeoutError:
            raise NodeUnreachable(retry_after=1) from None

    async def _call(self, call: _Call, event: str, packed: bytes) -> int:
        connection, link = call.connection, call.link
        self._introduce(connection, link)
        number = self._number = self._number + 1
        self._calls[number] = call
        self._on_their_way[link.node] += len(packed)
        link.send(Called(connection.id, number, event, msgspec.Raw(packed), call.socket.wants_answer))
        try:
            return await call.answered
        finally:
            del self._calls[number]
            self._on_their_way[link.node] -= len(packed)
            self._on_their_way += Counter()  # Nodes that nothing is on its way to are forgotten.
            self._answer_came.set()

    def settle(self, connection: Connection, node: str) -> None:
        """The connection's room is led by that node from now on."""
        link = (connection.known or {})[node][0]
        connection.home = node
        if link.broken:  # In this very moment.
            self._lose(connection.id)
        else:
            self._homed.setdefault(link, set()).add(connection.id)

    def depart(self, connection: Connection, node: str, *, moved: bool) -> None:
        """Tell a node that a socket has gone, or has moved to another one."""
        link, _principal = (connection.known or {}).pop(node, (None, None))
        if link is not None:
            self._homed.get(link, set()).discard(connection.id)
            socket = self._find(connection.id)
            for group in self._entered.pop((connection.id, link), ()):
                if socket is not None:
                    socket.leave(group)
            link.send(Gone(connection.id, moved))

    def take(self, link: Link[Letter], letter: Letter) -> None:
        """Take what a leader says."""
        match letter:
            case Answered():
                self._answered(letter)
            case Sent():
                self._deliver(letter.to, letter.excepted, letter.wire)
            case Entered() if (socket := self._find(letter.connection)) is not None:
                socket.join(letter.group)
                self._entered.setdefault((letter.connection, link), set()).add(letter.group)
            case Exited() if (socket := self._find(letter.connection)) is not None:
                socket.leave(letter.group)
                self._entered.get((letter.connection, link), set()).discard(letter.group)
            case Ended() if (socket := self._find(letter.connection)) is not None:
                if letter.for_good:
                    socket.disconnect(close=True)
                else:
                    socket.drop()

    def broken(self, link: Link[Letter]) -> None:
        """A link has ended: what its leader says would be missed, so its clients have to come back and begin anew."""
        for call in self._calls.values():
            if call.link is link and not call.answered.done():
                call.answered.set_exception(NodeUnreachable(retry_after=1))
        for connection_id in self._homed.pop(link, ()):
            self._lose(connection_id)
        for key in [key for key in self._entered if key[1] is link]:
            del self._entered[key]

    def _lose(self, connection_id: str) -> None:
        socket = self._find(connection_id)
        if socket is not None:
            socket.drop()

    def _introduce(self, connection: Connection, link: Link[Letter]) -> None:
        known = connection.known = {} if connection.known is None else connection.known
        if known.get(link.node) != (link, connection.principal):
            known[link.node] = (link, connection.principal)
            principal = msgspec.Raw(msgspec.msgpack.encode(connection.principal))
            link.send(Introduced(connection.id, connection.address, principal))

    def _answered(self, letter: Answered) -> None:
        call = self._calls.get(letter.number)
        if call is None or call.answered.done():
            return
        if letter.outcome == DONE and call.settles:
            # What its room of before still says is not for it any longer.
            for group in set(call.socket.rooms) - self._entered.get((call.connection.id, call.link), set()):
                call.socket.leave(group)
        if letter.outcome != ELSEWHERE:
            # At once: what the leader says after its answer must come to the client after it.
            call.socket.answer(msgspec.Raw(letter.json))
        call.answered.set_result(letter.outcome)


def _packed(args: list[Any]) -> bytes:
    try:
        packed = msgspec.msgpack.encode(args)
    except (OverflowError, ValueError, TypeError, RecursionError):
        raise InvalidInput("The message holds a number that is too large.") from None
    if len(packed) > LARGEST_EVENT:
        raise PayloadTooLarge("The message is too large.")
    return packed
