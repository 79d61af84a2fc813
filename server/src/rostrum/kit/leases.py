"""Leases at a Redis server: the only module that asks it who leads a room.

Two things could give a room to somebody while its leader lives. A Redis that comes back without its data knows no
leader; so it has an era, made anew then, and whoever still thinks of another era is told so instead of an answer. A
Redis that has halted does late what it was asked before; so each claim says until when it is meant, by Redis' clock.
"""

import secrets
from collections.abc import Sequence
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rostrum.kit import clock

log = structlog.get_logger(__name__)

LEASE_SECONDS: Final = 4.0
ROOM_SECONDS: Final = 300
"""How long a room's key outlives the last renewal; only for keys of leaders that have died to go by themselves."""
ANSWER_SECONDS: Final = 2.0
AWAY: Final = (RedisError, OSError)

_NODE: Final = "rostrum:node:"
_ROOM: Final = "rostrum:leads:"
_ERA: Final = "rostrum:era"
_LATE, _OTHER_ERA = "!late", "!era"

_NOW: Final = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
_BEAT: Final = (
    _NOW
    + """
local era = redis.call('GET', KEYS[2])
if not era then era = ARGV[2] redis.call('SET', KEYS[2], era) end
local known = redis.call('SET', KEYS[1], '1', 'PX', ARGV[1], 'GET')
return {known and 1 or 0, era, now}
"""
)
"""Keys: the node's, the era's. Arguments: milliseconds of the lease, an era if there is none."""
_CLAIM: Final = (
    _NOW
    + """
if now > tonumber(ARGV[6]) then return '!late' end
if redis.call('GET', KEYS[2]) ~= ARGV[5] then return '!era' end
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] and redis.call('EXISTS', ARGV[2] .. leader) == 1 then return leader end
if leader ~= ARGV[1] and ARGV[7] == '0' then return '' end
redis.call('SET', ARGV[2] .. ARGV[1], '1', 'PX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
return ARGV[1]
"""
)
"""Keys: the room's, the era's. Arguments: this node, what nodes' keys begin with, milliseconds of the lease, seconds of
the room's key, the era, until when it is meant, and whether it is a claim (1) or only a question (0)."""
_RELEASE: Final = (
    _NOW
    + """
if now <= tonumber(ARGV[2]) and redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
)


class OtherEra(Exception):
    """Redis has come back without its data since this node last heard of it."""


class Late(Exception):
    """Redis has come to a claim when nobody waited for it any longer."""


class Leases:
    """What one node holds at Redis, and may ask there. Every method raises one of AWAY where Redis does not answer.

    Args:
        url: as kit/bus.py takes it.
    """

    def __init__(self, node: str, url: str) -> None:
        self._node = node
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._beat = self._redis.register_script(_BEAT)
        self._claim = self._redis.register_script(_CLAIM)
        self._release = self._redis.register_script(_RELEASE)
        self._era = ""
        self._ahead = 0.0

    async def renew(self) -> bool:
        """Say that this node lives, for another LEASE_SECONDS; False: others may have taken it for dead.

        Raises:
            OtherEra: Redis knows of nothing before.
        """
        facts: list[str | int] = [int(LEASE_SECONDS * 1000), secrets.token_hex(8)]
        known, era, now = await self._beat(keys=[_NODE + self._node, _ERA], args=facts)
        self._ahead = int(now) / 1000 - clock.monotonic()
        before, self._era = self._era, str(era)
        if before not in ("", self._era):
            log.warning("leases.other_era")
            raise OtherEra
        return bool(known)

    async def ask(self, room_id: str, *, claim: bool) -> str | None:
        """The living node that leads a room; with `claim`, this one if nobody does, else None.

        Raises:
            OtherEra: Redis has forgotten who did.
            Late: it cannot be told any longer.
        """
        if not self._era:
            await self.renew()
        facts: list[str | int] = [
            *(self._node, _NODE, int(LEASE_SECONDS * 1000), ROOM_SECONDS),
            *(self._era, self._until(), int(claim)),
        ]
        leader = str(await self._claim(keys=[_ROOM + room_id, _ERA], args=facts))
        if leader == _OTHER_ERA:
            await self.renew()
            raise OtherEra
        if leader == _LATE:
            raise Late
        return leader or None

    async def release(self, room_id: str) -> None:
        """Lead a room no longer; nothing happens if another node does."""
        await self._release(keys=[_ROOM + room_id], args=[self._node, self._until()])

    async def led(self, rooms: Sequence[str]) -> set[str]:
        """Those of these rooms that another living node leads."""
        leaders = await self._redis.mget([_ROOM + room_id for room_id in rooms]) if rooms else []
        others = sorted({str(leader) for leader in leaders if leader and leader != self._node})
        alive = await self._redis.mget([_NODE + node for node in others]) if others else []
        living = {node for node, key in zip(others, alive, strict=True) if key}
        return {room_id for room_id, leader in zip(rooms, leaders, strict=True) if leader in living}

    async def end(self) -> None:
        """Say that this node no longer leads anything."""
        await self._redis.delete(_NODE + self._node)

    async def close(self) -> None:
        """End the connections."""
        await self._redis.aclose()

    def _until(self) -> int:
        """Until when what is asked now is meant, by Redis' clock in milliseconds."""
        return int((clock.monotonic() + self._ahead + ANSWER_SECONDS) * 1000)
