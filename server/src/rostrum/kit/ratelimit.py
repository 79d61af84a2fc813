"""Rate limits over sliding windows, in memory; one place that knows the `limits` library."""

import math
import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from rostrum.kit.errors import RateLimited


class RateLimiter:
    """Counts tries by name and key, for example ("login", account)."""

    def __init__(self) -> None:
        self._strategy = MovingWindowRateLimiter(MemoryStorage())
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
        item = self._item(limit)
        if not await self._strategy.hit(item, name, *key):
            raise await self._refusal(item, name, *key)

    async def check(self, limit: str, name: str, *key: str) -> None:
        """Raise RateLimited as `hit` would, without counting a try."""
        item = self._item(limit)
        if not await self._strategy.test(item, name, *key):
            raise await self._refusal(item, name, *key)

    async def clear(self, limit: str, name: str, *key: str) -> None:
        """Forget the tries of a key, for example after a login that succeeded."""
        await self._strategy.clear(self._item(limit), name, *key)

    async def _refusal(self, item: RateLimitItem, name: str, *key: str) -> RateLimited:
        stats = await self._strategy.get_window_stats(item, name, *key)
        return RateLimited(retry_after=max(1, math.ceil(stats.reset_time - time.time())))

    def _item(self, limit: str) -> RateLimitItem:
        if limit not in self._items:
            self._items[limit] = parse(limit)
        return self._items[limit]
