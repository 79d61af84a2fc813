"""Rate limits over sliding windows, in memory or in Redis; one place that knows the `limits` library."""

import math
import time
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Network
from typing import Final, TypeVar

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage.redis import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rostrum.kit.errors import RateLimited
from rostrum.kit.quick import must_wait
from rostrum.kit.windows import MemoryWindows

log = structlog.get_logger(__name__)

AWAY_SECONDS: Final = 1.0
"""How long Redis is left alone after it has failed."""
PATIENCE_SECONDS: Final = 0.5

T = TypeVar("T")
Counting = Callable[[MovingWindowRateLimiter | MemoryWindows], Awaitable[T]]


def network_of(address: str) -> str:
    """What limits go by: a network address; of an IPv6 address the first 64 bits.

    Whoever has one address of IPv6 has them all below these bits (RFC 6177), 2^64 addresses.
    """
    if ":" not in address:
        return address
    try:
        return str(IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address


class RateLimiter:
    """Counts tries by name and key, for example ("login", account).

    With Redis all nodes count together. While it is away each counts for itself: a limit that is a little wider for a
    moment is better than a door that nobody can pass.

    Args:
        redis_url: the Redis server; empty: counted in memory.
    """

    def __init__(self, redis_url: str = "") -> None:
        self._memory = MemoryWindows()
        self._shared = _shared(redis_url) if redis_url else None
        self._away_until = 0.0
        self._items: dict[str, RateLimitItem] = {}

    async def hit(self, limit: str, name: str, *key: str) -> None:
        """Count one try.

        Args:
            limit: as the `limits` library writes it, for example "10/15 minutes".
            name: what is being limited.
            key: who is being limited.

        Raises:
            RateLimited: the window is full; its retry_after is in whole seconds.
        """
        must_wait()  # A try that is begun anew would count twice.
        item = self._item(limit)
        if not await self._count(lambda strategy: strategy.hit(item, name, *key)):
            raise await self._refusal(item, name, *key)

    async def check(self, limit: str, name: str, *key: str) -> None:
        """Raise RateLimited as `hit` would, without counting a try."""
        item = self._item(limit)
        if not await self._count(lambda strategy: strategy.test(item, name, *key)):
            raise await self._refusal(item, name, *key)

    async def clear(self, limit: str, name: str, *key: str) -> None:
        """Forget the tries of a key, for example after a login that succeeded."""
        item = self._item(limit)
        await self._count(lambda strategy: strategy.clear(item, name, *key))

    async def _count(self, counting: Counting[T]) -> T:
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return await counting(self._shared)
            except StorageError as error:
                log.warning("ratelimit.alone", error=type(error.storage_error).__name__)
                self._away_until = time.monotonic() + AWAY_SECONDS
        return await counting(self._memory)

    async def _refusal(self, item: RateLimitItem, name: str, *key: str) -> RateLimited:
        stats = await self._count(lambda strategy: strategy.get_window_stats(item, name, *key))
        return RateLimited(retry_after=max(1, math.ceil(stats.reset_time - time.time())))

    def _item(self, limit: str) -> RateLimitItem:
        if limit not in self._items:
            self._items[limit] = parse(limit)
        return self._items[limit]


def _shared(url: str) -> MovingWindowRateLimiter:
    storage = RedisStorage(
        f"async+{url}",
        implementation="redispy",
        wrap_exceptions=True,
        key_prefix="rostrum:limits",
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # Handed on to redis-py, whatever it is.
    )
    return MovingWindowRateLimiter(storage)
