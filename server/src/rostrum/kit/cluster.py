"""Which node leads which room. A node that is alone leads them all; several agree by leases at Redis.

A lease has two halves: a room's key names its leader, and the leader's own key, which it renews all the time, says that
it lives. The keys of a leader that has died are anybody's once its own key has run out.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rostrum.kit import clock
from rostrum.kit.bus import Bus
from rostrum.kit.errors import Unavailable

log = structlog.get_logger(__name__)

BEAT_SECONDS: Final = 1.0
LEASE_SECONDS: Final = 4.0
RENEW_EVERY_BEATS: Final = 30
ROOM_SECONDS: Final = 300
"""How long a room's key outlives the last renewal; only for keys of leaders that have died to go by themselves."""
SETTLE_SECONDS: Final = 1.0
"""After Redis was away leaders claim what they lead before anybody else may claim it."""
ANSWER_SECONDS: Final = 2.0
TURNS: Final = 64

_CLAIM: Final = """
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] and redis.call('EXISTS', ARGV[2] .. leader) == 1 then return leader end
redis.call('SET', ARGV[2] .. ARGV[1], '1', 'PX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
return ARGV[1]
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
_NODE: Final = "rostrum:node:"
_ROOM: Final = "rostrum:leads:"


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
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._claim = self._redis.register_script(_CLAIM)
        self._release = self._redis.register_script(_RELEASE)
        self._rooms: set[str] = set()
        self._turns = [asyncio.Lock() for _ in range(TURNS)]
        self._settled_at = 0.0
        self._retired = False
        self._beating: asyncio.Task[None] | None = None
        bus.on_gap(self._back)

    def leads(self, room_id: str) -> bool:
        """Whether this node leads a room, as far as it knows."""
        return room_id in self._rooms

    async def lead(self, room_id: str) -> str:
        """The node that leads a room: this one, if nobody did. What this node leads it knows without Redis.

        Raises:
            NodeUnreachable: Redis does not answer.
        """
        if room_id in self._rooms:
            return self.node
        if (settling := self._settled_at - clock.monotonic()) > 0:
            await asyncio.sleep(settling)
        async with self._turn(room_id):
            if room_id in self._rooms:
                return self.node
            leader = await self._claimed(room_id)
            if leader == self.node:
                self._rooms.add(room_id)
                for callback in self._on_won:
                    callback(room_id)
            return leader

    async def release(self, room_id: str) -> None:
        """Lead a room no longer, unless it is open here; where Redis is away its key runs out by itself."""
        async with self._turn(room_id):
            if room_id not in self._rooms or self.holds(room_id):
                return
            self._rooms.discard(room_id)
            with contextlib.suppress(RedisError, OSError):
                await self._release(keys=[_ROOM + room_id], args=[self.node])

    async def led(self, rooms: Iterable[str]) -> set[str]:
        """Those of these rooms that another living node leads; empty while Redis does not answer."""
        asked = [room_id for room_id in rooms if room_id not in self._rooms]
        try:
            leaders = await self._redis.mget([_ROOM + room_id for room_id in asked]) if asked else []
            others = sorted({str(leader) for leader in leaders if leader and leader != self.node})
            alive = await self._redis.mget([_NODE + node for node in others]) if others else []
        except (RedisError, OSError) as error:
            log.warning("cluster.not_told", error=type(error).__name__)
            return set()
        living = {node for node, key in zip(others, alive, strict=True) if key}
        return {room_id for room_id, leader in zip(asked, leaders, strict=True) if leader in living}

    async def start(self) -> None:
        """Begin to show that this node lives."""
        self._beating = asyncio.create_task(self._beat())

    async def retire(self) -> None:
        """Lead nothing from now on, and let others lead what this node did."""
        if self._retired:
            return
        self._retired = True
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        self._rooms.clear()
        with contextlib.suppress(RedisError, OSError):
            await self._redis.delete(_NODE + self.node)

    async def close(self) -> None:
        """End it; may be called again."""
        await self.retire()
        await self._redis.aclose()

    async def _claimed(self, room_id: str) -> str:
        if self._retired:
            raise NodeUnreachable("The server is stopping.", retry_after=1)
        try:
            args: list[str | int] = [self.node, _NODE, int(LEASE_SECONDS * 1000), ROOM_SECONDS]
            return str(await self._claim(keys=[_ROOM + room_id], args=args))
        except (RedisError, OSError) as error:
            log.warning("cluster.no_leader", room=room_id, error=type(error).__name__)
            raise NodeUnreachable(retry_after=1) from None

    def _turn(self, room_id: str) -> asyncio.Lock:
        """One claim or release of a room at a time: they must reach Redis in the order in which they were decided."""
        return self._turns[hash(room_id) % len(self._turns)]

    async def _beat(self) -> None:
        beats = 0
        while True:
            try:
                known = await self._redis.set(_NODE + self.node, "1", px=int(LEASE_SECONDS * 1000), get=True)
                beats += 1
                if known is None or beats % RENEW_EVERY_BEATS == 0:
                    await self._reclaim()
            except (RedisError, OSError, NodeUnreachable) as error:
                log.warning("cluster.beat_missed", error=type(error).__name__)
            except Exception:
                log.exception("cluster.beat_failed")
            await asyncio.sleep(BEAT_SECONDS)

    async def _back(self) -> None:
        """Redis was away, and may have forgotten who leads what."""
        self._settled_at = clock.monotonic() + SETTLE_SECONDS
        with contextlib.suppress(NodeUnreachable):
            await self._reclaim()

    async def _reclaim(self) -> None:
        """Insist on what this node leads; what another one leads by now is lost."""
        for room_id in list(self._rooms):
            async with self._turn(room_id):
                if room_id not in self._rooms or await self._claimed(room_id) == self.node:
                    continue
                self._rooms.discard(room_id)
            log.warning("cluster.lost", room=room_id)
            for callback in self._on_lost:
                await callback(room_id)
