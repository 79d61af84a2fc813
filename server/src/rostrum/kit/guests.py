"""Sockets of other nodes whose room this node leads.

Each has a connection here like those of this node's own sockets, so that features tell no difference. What goes to a
group is encoded and framed once, sent once to each node that has members, and written there to each of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec

from rostrum.kit.letters import ELSEWHERE, Answered, Called, Ended, Entered, Exited, Gone, Introduced, Letter, Sent
from rostrum.kit.links import Link
from rostrum.kit.sockets import Connection

Dispatch = Callable[[Connection, str, list[Any]], Awaitable[tuple[int, bytes]]]
"""Handles an event: how it ended, and its acknowledgement as JSON."""


class _Remote:
    """What stands for the socket itself; its events come one at a time, as the edge waits for each."""

    __slots__ = ("wants_answer",)

    def __init__(self) -> None:
        self.wants_answer = False


class Guests:
    """The connections of other nodes' sockets.

    Args:
        dispatch: handles their events.
        gone: called with a connection whose socket has gone.
        principal_type: what a principal is decoded as.
    """

    def __init__(
        self, dispatch: Dispatch, gone: Callable[[Connection], Coroutine[Any, Any, None]], principal_type: type
    ) -> None:
        self._dispatch = dispatch
        self._gone = gone
        self._principals: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(principal_type)
        self.connections: dict[str, Connection] = {}
        self._sockets: dict[str, _Remote] = {}
        self._links: dict[str, Link[Letter]] = {}
        self._entered: dict[str, set[str]] = {}
        self._groups: dict[str, dict[Link[Letter], set[str]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, link: Link[Letter], letter: Letter) -> None:
        """Take what an edge says."""
        match letter:
            case Introduced():
                self._introduced(link, letter)
            case Called():
                self._spawn(self._answer(link, letter))
            case Gone():
                self._forget(letter.connection, moved=letter.moved)

    def broken(self, link: Link[Letter]) -> None:
        """A link has ended: as far as this node can tell, all sockets behind it are gone."""
        for connection_id in [known for known, behind in self._links.items() if behind is link]:
            self._forget(connection_id, moved=False)

    def enter(self, connection_id: str, group: str) -> None:
        """Add a connection to a group."""
        link = self._links.get(connection_id)
        if link is not None:
            self._entered.setdefault(connection_id, set()).add(group)
            self._groups.setdefault(group, {}).setdefault(link, set()).add(connection_id)
            link.send(Entered(connection_id, group))

    def leave(self, connection_id: str, group: str) -> None:
        """Take a connection out of a group."""
        link = self._links.get(connection_id)
        if link is not None and group in self._entered.get(connection_id, ()):
            self._entered[connection_id].discard(group)
            self._left(link, connection_id, group)
            link.send(Exited(connection_id, group))

    def broadcast(self, to: tuple[str, ...], excepted: tuple[str, ...], wire: bytes) -> None:
        """Send frames to the nodes that have any of those who are meant."""
        links: dict[Link[Letter], None] = {}
        for name in to:
            links.update(dict.fromkeys(self._groups.get(name, ())))
            if (link := self._links.get(name)) is not None:
                links[link] = None
        if links:
            letter = Sent(to, excepted, wire)
            for link in links:
                link.send(letter)

    def end(self, connection_id: str, reason: str, *, for_good: bool) -> None:
        """Let the socket of a connection be ended; its edge then says that it has gone."""
        link = self._links.get(connection_id)
        if link is not None:
            link.send(Ended(connection_id, reason, for_good))

    async def close(self) -> None:
        """Wait for what is being handled."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    def _introduced(self, link: Link[Letter], letter: Introduced) -> None:
        principal = self._principals.decode(letter.principal)
        known = self.connections.get(letter.connection)
        if known is not None:
            known.principal = principal
            return
        socket = self._sockets[letter.connection] = _Remote()
        self.connections[letter.connection] = Connection(socket, letter.connection, principal, letter.address)
        self._links[letter.connection] = link

    async def _answer(self, link: Link[Letter], call: Called) -> None:
        connection = self.connections.get(call.connection)
        if connection is None or self._links.get(call.connection) is not link:
            link.send(Answered(call.number, ELSEWHERE, b""))
            return
        self._sockets[call.connection].wants_answer = call.wants_answer
        outcome, answer = await self._dispatch(connection, call.event, msgspec.msgpack.decode(call.args))
        link.send(Answered(call.number, outcome, answer))

    def _forget(self, connection_id: str, *, moved: bool) -> None:
        connection = self.connections.pop(connection_id, None)
        if connection is None:
            return
        link = self._links.pop(connection_id)
        del self._sockets[connection_id]
        for group in self._entered.pop(connection_id, ()):
            self._left(link, connection_id, group)
            if moved:
                link.send(Exited(connection_id, group))
        connection.moved = moved
        self._spawn(self._gone(connection))

    def _left(self, link: Link[Letter], connection_id: str, group: str) -> None:
        members = self._groups.get(group, {})
        members.get(link, set()).discard(connection_id)
        if not members.get(link):
            members.pop(link, None)
        if not members:
            self._groups.pop(group, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
