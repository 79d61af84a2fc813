"""Which node leads which room. A node that is alone leads them all; several agree by leases at Redis.

A lease has two halves: a room's key names its leader, and the leader's own key, which it renews all the time, says that
it lives. The keys of a leader that has died are anybody's once its own key has run out.

What is asked of Redis is in kit/leases.py.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from rostrum.kit import clock, tasks
from rostrum.kit.bus import Bus
from rostrum.kit.errors import Unavailable
from rostrum.kit.leases import AWAY, Late, Leases, OtherEra

log = structlog.get_logger(__name__)

BEAT_SECONDS: Final = 1.0
RENEW_EVERY_BEATS: Final = 30
SETTLE_SECONDS: Final = 1.0
"""After Redis was away leaders claim what they lead before anybody else may claim it."""
PATIENCE_SECONDS: Final = 3.0
PARTING_SECONDS: Final = 0.5
AGAIN_SECONDS: Final = 0.1
TURNS: Final = 64


class NodeUnreachable(Unavailable):
    """The room is led by another node that cannot be reached at the moment; Retry-After says when to try again."""

    code = "node_unreachable"
    sentence = "The room cannot be reached at the moment."


class Cluster:
    """A node that is alone: it leads every room.

    Attributes:
        node: this node's id.
        is_alone: whether there can be no other node.
        holds: whether a room is open here; set by who opens rooms. Such a room is not released.
    """

    is_alone = True

    def __init__(self, bus: Bus) -> None:
        self.node = bus.node
        self.holds: Callable[[str], bool] = lambda _room_id: False
        self._on_lost: list[Callable[[str], Awaitable[None]]] = []
        self._on_won: list[Callable[[str], None]] = []

    def on_lost(self, callback: Callable[[str], Awaitable[None]]) -> None:
        """Call back with a room that another node has come to lead, since this one had not been heard of."""
        self._on_lost.append(callback)

    def on_won(self, callback: Callable[[str], None]) -> None:
        """Call back with a room that this node leads from now on: what it remembers of it may be old."""
        self._on_won.append(callback)

    def leads(self, _room_id: str) -> bool:
        """Whether this node leads a room, as far as it knows."""
        return True

    async def lead(self, _room_id: str) -> str:
        """The node that leads a room: this one, if nobody did.

        Raises:
            NodeUnreachable: nobody can tell.
        """
        return self.node

    @property
    def is_cut_off(self) -> bool:
        """Whether other nodes may take this one for dead."""
        return False

    async def give_up(self, _room_id: str) -> None:
        """Another node leads a room, however it has come to that."""

    async def release(self, room_id: str) -> None:
        """Lead a room no longer, unless it is open here; anybody may from now on."""

    async def led(self, _rooms: Iterable[str]) -> set[str]:
        """Those of these rooms that another living node leads; empty where nobody can tell."""
        return set()

    async def start(self) -> None:
        """Begin to show that this node lives."""

    async def retire(self) -> None:
        """Lead nothing from now on, and let others lead what this node did."""

    async def close(self) -> None:
        """End it; may be called again."""


class RedisCluster(Cluster):
    """Nodes that agree at a Redis server.

    Args:
        url: as kit/bus.py takes it.
    """

    is_alone = False

    def __init__(self, bus: Bus, url: str) -> None:
        super().__init__(bus)
        self._bus = bus
        self._leases = Leases(bus.node, url)
        self._rooms: set[str] = set()
        self._turns = [asyncio.Lock() for _ in range(TURNS)]
        self._settled_at = 0.0
        self._has_to_insist = False
        self._retired = False
        self._beating: asyncio.Task[None] | None = None
        bus.on_gap(self._back)

    def leads(self, room_id: str) -> bool:
        """Whether this node leads a room, as far as it knows."""
        return room_id in self._rooms

    async def lead(self, room_id: str) -> str:
        """The node that leads a room: this one, if nobody did. What this node leads it knows without Redis.

        Raises:
            NodeUnreachable: Redis does not answer, or another node has the first word after it was away.
        """
        if room_id in self._rooms:
            return self.node
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._turn(room_id):
                return await self._led_by(room_id)
        except TimeoutError:
            raise NodeUnreachable(retry_after=1) from None

    @property
    def is_cut_off(self) -> bool:
        """Whether other nodes may take this one for dead."""
        return bool(self._bus.problem())

    async def give_up(self, room_id: str) -> None:
        """Another node leads a room, however it has come to that."""
        self._rooms.discard(room_id)
        log.warning("cluster.lost", room=room_id)
        for callback in self._on_lost:
            await callback(room_id)

    async def release(self, room_id: str) -> None:
        """Lead a room no longer, unless it is open here; where Redis is away its key runs out by itself."""
        if room_id not in self._rooms or self.holds(room_id):
            return  # Without its turn, which somebody may have who waits for Redis.
        async with self._turn(room_id):
            if room_id not in self._rooms or self.holds(room_id):
                return
            self._rooms.discard(room_id)
            with contextlib.suppress(*AWAY):
                await self._leases.release(room_id)

    async def led(self, rooms: Iterable[str]) -> set[str]:
        """Those of these rooms that another living node leads; empty while Redis does not answer."""
        try:
            return await self._leases.led([room_id for room_id in rooms if room_id not in self._rooms])
        except AWAY as error:
            log.warning("cluster.not_told", error=type(error).__name__)
            return set()

    async def start(self) -> None:
        """Begin to show that this node lives."""
        self._beating = asyncio.create_task(self._beat())

    async def retire(self) -> None:
        """Lead nothing from now on, and let others lead what this node did."""
        if self._retired:
            return
        self._retired = True
        self._rooms.clear()
        with contextlib.suppress(*AWAY, TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                await tasks.end(self._beating)
                await self._leases.end()

    async def close(self) -> None:
        """End it; may be called again."""
        await self.retire()
        await tasks.end(self._beating)
        await self._leases.close()

    def _turn(self, room_id: str) -> asyncio.Lock:
        """One claim or release of a room at a time: they must reach Redis in the order in which they were decided."""
        return self._turns[hash(room_id) % len(self._turns)]

    async def _led_by(self, room_id: str) -> str:
        """The leader, this node if nobody was; while leaders have the first word it is only asked who it is."""
        while room_id not in self._rooms:
            is_settled = clock.monotonic() >= self._settled_at and not self._bus.problem()
            leader = await self._asked(room_id, claim=is_settled)
            if leader == self.node:
                await self._won(room_id)
            elif leader is not None:
                return leader
            else:
                await asyncio.sleep(AGAIN_SECONDS)
        return self.node

    async def _won(self, room_id: str) -> None:
        if self._retired:  # Meanwhile; and the claim has said that this node lives.
            await self._leases.end()
            raise NodeUnreachable("The server is stopping.", retry_after=1)
        self._rooms.add(room_id)
        for callback in self._on_won:
            callback(room_id)

    async def _asked(self, room_id: str, *, claim: bool) -> str | None:
        """Who leads a room, which is claimed where it is free; None where nobody does, or nobody can tell yet."""
        if self._retired:
            raise NodeUnreachable("The server is stopping.", retry_after=1)
        try:
            return await self._leases.ask(room_id, claim=claim)
        except OtherEra:
            self._other_era()
            return None
        except (*AWAY, Late) as error:
            log.warning("cluster.no_leader", room=room_id, error=type(error).__name__)
            raise NodeUnreachable(retry_after=1) from None

    def _other_era(self) -> None:
        """Redis has come back without its data: whoever leads anything has to say so, before others claim it."""
        self._settled_at = clock.monotonic() + SETTLE_SECONDS
        self._has_to_insist = True

    async def _beat(self) -> None:
        beats = 0
        while True:
            try:
                self._has_to_insist |= not await self._leases.renew()
                beats += 1
                if self._has_to_insist or beats % RENEW_EVERY_BEATS == 0:
                    await self._insist()
            except OtherEra:
                self._other_era()
                continue
            except (*AWAY, NodeUnreachable) as error:
                log.warning("cluster.beat_missed", error=type(error).__name__)
            except Exception:
                log.exception("cluster.beat_failed")
            await asyncio.sleep(BEAT_SECONDS)

    async def _back(self) -> None:
        """Redis was away, and may have forgotten who leads what."""
        self._other_era()
        with contextlib.suppress(NodeUnreachable, OtherEra, *AWAY):
            await self._leases.renew()
            await self._insist()

    async def _insist(self) -> None:
        """Claim what this node leads again; what another one leads by now is lost."""
        self._has_to_insist = True
        for room_id in list(self._rooms):
            async with self._turn(room_id):
                if room_id not in self._rooms:
                    continue
                leader = await self._asked(room_id, claim=True)
            if leader is None:
                raise NodeUnreachable()  # Of another era: once more with the next beat.
            if leader != self.node:
                await self.give_up(room_id)
        self._has_to_insist = False
