"""Sockets of this node whose room another node leads: their events go there, what they are sent comes from there."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from rostrum.kit.bus import Bus
from rostrum.kit.cluster import NodeUnreachable
from rostrum.kit.errors import InvalidInput
from rostrum.kit.letters import ELSEWHERE, Answered, Called, Ended, Entered, Exited, Gone, Introduced, Letter, Sent
from rostrum.kit.links import Link, Links
from rostrum.kit.sockets import Connection

CALL_SECONDS: Final = 15.0
"""So long an event may take another node; a node that is gone is noticed before."""


class LocalSocket(Protocol):
    """What is done with a socket of this node."""

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

    __slots__ = ("answered", "link", "socket")

    def __init__(self, link: Link[Letter], socket: LocalSocket) -> None:
        self.link = link
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
        self._number = 0
        self._homed: dict[Link[Letter], set[str]] = {}

    async def forward(
        self, links: Links[Letter], connection: Connection, socket: LocalSocket, node: str, event: str, args: list[Any]
    ) -> int:
        """Let another node handle an event; its acknowledgement has been sent when this returns. How it ended.

        Raises:
            NodeUnreachable: that node, or the way to it, is gone; whether the event was handled nobody knows.
            InvalidInput: the event holds what cannot be told to another node.
        """
        if self._bus.problem():
            raise NodeUnreachable(retry_after=1)
        try:
            packed = msgspec.Raw(msgspec.msgpack.encode(args))
        except (OverflowError, ValueError, TypeError, RecursionError):
            raise InvalidInput("The message holds a number that is too large.") from None
        link = links.to(node)
        self._introduce(connection, link)
        number = self._number = self._number + 1
        call = self._calls[number] = _Call(link, socket)
        link.send(Called(connection.id, number, event, packed, socket.wants_answer))
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await call.answered
        except TimeoutError:
            raise NodeUnreachable(retry_after=1) from None
        finally:
            del self._calls[number]

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
            link.send(Gone(connection.id, moved))

    def take(self, _link: Link[Letter], letter: Letter) -> None:
        """Take what a leader says."""
        match letter:
            case Answered():
                self._answered(letter)
            case Sent():
                self._deliver(letter.to, letter.excepted, letter.wire)
            case Entered() if (socket := self._find(letter.connection)) is not None:
                socket.join(letter.group)
            case Exited() if (socket := self._find(letter.connection)) is not None:
                socket.leave(letter.group)
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
        if letter.outcome != ELSEWHERE:
            # At once: what the leader says after its answer must come to the client after it.
            call.socket.answer(msgspec.Raw(letter.json))
        call.answered.set_result(letter.outcome)
