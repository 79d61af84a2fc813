"""Sockets across nodes: an event is handled by the node that leads the room, wherever its socket is connected."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal

from rostrum.kit.bus import Bus
from rostrum.kit.cluster import Cluster, NodeUnreachable
from rostrum.kit.forwarding import Forwarding, LocalSocket
from rostrum.kit.guests import Dispatch, Guests
from rostrum.kit.leases import LEASE_SECONDS
from rostrum.kit.letters import DONE, ELSEWHERE, Letter
from rostrum.kit.links import Link, Links
from rostrum.kit.sockets import Connection

AGAIN_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = LEASE_SECONDS + 2.0
"""So long an event that names a room waits for one that leads it: a leader's death shows when its lease runs out."""

Handler = Callable[..., Awaitable[Any]]
RoomOf = Callable[[list[Any]], str | None]
Settles = Literal["always", "if free", "never"]


@dataclass(frozen=True, slots=True)
class Door:
    """How an event is answered.

    Attributes:
        handler: `handler(connection, *args)`; what it returns is the acknowledgement.
        room_of: which room its arguments name; None for events of the room that the socket is in.
        settles: whether the socket is in that room from then on: `always`; `if free`, where it is in none; or `never`.
        frees: whether the socket is in no room from then on.
    """

    handler: Handler
    room_of: RoomOf | None = None
    settles: Settles = "never"
    frees: bool = False


class Relay:
    """Brings each event to the node that has to handle it.

    Args:
        dispatch, gone, principal_type: see Guests.
        find, deliver: see Forwarding.
    """

    def __init__(
        self,
        bus: Bus,
        cluster: Cluster,
        *,
        dispatch: Dispatch,
        gone: Callable[[Connection], Coroutine[Any, Any, None]],
        principal_type: type,
        find: Callable[[str], LocalSocket | None],
        deliver: Callable[[tuple[str, ...], tuple[str, ...], bytes], None],
    ) -> None:
        self._cluster = cluster
        self._gone = gone
        self.guests = Guests(dispatch, gone, principal_type)
        self._forwarding = Forwarding(bus, find, deliver)
        self._links: Links[Letter] = Links(bus, Letter, self._take, self._broken)

    def start(self) -> None:
        """Begin to watch over the links."""
        self._links.start()

    async def close(self) -> None:
        """End all links."""
        await self.guests.close()
        await self._links.close()

    async def handle(self, connection: Connection, socket: LocalSocket, event: str, door: Door, args: list[Any]) -> Any:
        """Handle an event here, or where its room is led; the acknowledgement, or None where it was sent already.

        Raises:
            NodeUnreachable: the node that leads the room cannot be reached.
        """
        room_id = door.room_of(args) if door.room_of is not None else None
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        while True:
            node = connection.home if room_id is None else await self._cluster.lead(room_id)
            if node is None or node == self._cluster.node:
                answer = await self._handled(connection, door, room_id, args)
                await self._settle(connection, door, None)
                return answer
            try:
                settles = door.settles == "always"
                outcome = await self._forwarding.forward(
                    self._links, connection, socket, node, event, args, settles=settles
                )
            except NodeUnreachable:
                outcome = ELSEWHERE
            if outcome != ELSEWHERE:
                if outcome == DONE:
                    await self._settle(connection, door, node)
                return None
            if room_id is None or loop.time() > until:
                if door.settles != "never" and node != connection.home:
                    # Whatever still comes of it there is not for this socket.
                    self._forwarding.depart(connection, node, moved=True)
                raise NodeUnreachable(retry_after=1)
            await asyncio.sleep(AGAIN_SECONDS)

    async def handle_forwarded(self, connection: Connection, door: Door, args: list[Any]) -> tuple[bool, Any]:
        """Handle an event that another node has sent here: whether it belongs here, and the acknowledgement."""
        room_id = door.room_of(args) if door.room_of is not None else None
        try:
            if room_id is not None and await self._cluster.lead(room_id) != self._cluster.node:
                return False, None
        except NodeUnreachable:  # This node is about to go, for example; the edge asks again who leads.
            return False, None
        return True, await self._handled(connection, door, room_id, args)

    async def _handled(self, connection: Connection, door: Door, room_id: str | None, args: list[Any]) -> Any:
        try:
            return await door.handler(connection, *args)
        finally:
            if room_id is not None:  # Where nobody got in, others may lead it.
                await self._cluster.release(room_id)

    def left(self, connection: Connection) -> None:
        """A socket of this node has gone: tell the nodes that know it."""
        for node in list(connection.known or ()):
            self._forwarding.depart(connection, node, moved=False)

    async def _settle(self, connection: Connection, door: Door, node: str | None) -> None:
        """Note where the socket's room is led after an event; None: here, or nowhere."""
        before = connection.home
        if door.frees and node is not None:
            node = None
        elif door.settles == "never" or (door.settles == "if free" and (before is not None or connection.data)):
            return
        connection.home = node
        if before != node and before is not None:
            self._forwarding.depart(connection, before, moved=True)
        elif before != node:
            connection.moved = True
            await self._gone(connection)
            connection.moved = False
        if node is not None:
            self._forwarding.settle(connection, node)

    def _take(self, link: Link[Letter], letter: Letter) -> None:
        (self._forwarding if link.opening else self.guests).take(link, letter)

    def _broken(self, link: Link[Letter]) -> None:
        (self._forwarding if link.opening else self.guests).broken(link)
