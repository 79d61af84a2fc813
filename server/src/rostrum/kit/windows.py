"""Sliding windows in memory, with the interface of the `limits` library's strategies.

The library's own storage in memory looks through all of its keys after each hit, with a hop to a thread for each: with
a few hundred keys that takes more of a core than everything that is being limited.
"""

import time
from collections import deque
from typing import Final

from limits import RateLimitItem
from limits.util import WindowStats

SWEEP_AT_LEAST: Final = 1024


class MemoryWindows:
    """The moments of the latest hits by key, as many as a limit allows."""

    def __init__(self) -> None:
        self._hits: dict[str, deque[float]] = {}
        self._sweep_at = SWEEP_AT_LEAST
        self._longest = 0.0

    async def hit(self, item: RateLimitItem, *identifiers: str) -> bool:
        """Count a hit; False when the window is full, and then it is not counted."""
        hits = self._window(item, *identifiers)
        if len(hits) >= item.amount:
            return False
        if not hits:
            self._sweep()
            self._hits[item.key_for(*identifiers)] = hits
        self._longest = max(self._longest, item.get_expiry())
        hits.append(time.monotonic())
        return True

    async def test(self, item: RateLimitItem, *identifiers: str) -> bool:
        """Whether a hit would be counted."""
        return len(self._window(item, *identifiers)) < item.amount

    async def clear(self, item: RateLimitItem, *identifiers: str) -> None:
        """Forget the hits of a key."""
        self._hits.pop(item.key_for(*identifiers), None)

    async def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When the oldest hit leaves the window, in seconds since 1970, and how many more it takes."""
        hits = self._window(item, *identifiers)
        wait = hits[0] + item.get_expiry() - time.monotonic() if hits else 0.0
        return WindowStats(time.time() + wait, item.amount - len(hits))

    def _window(self, item: RateLimitItem, *identifiers: str) -> deque[float]:
        """The hits that still count; the others are forgotten."""
        hits = self._hits.get(item.key_for(*identifiers))
        if hits is None:
            return deque()
        begin = time.monotonic() - item.get_expiry()
        while hits and hits[0] <= begin:
            hits.popleft()
        return hits

    def _sweep(self) -> None:
        """Forget keys that have not been hit for longer than any window, once in a while."""
        if len(self._hits) < self._sweep_at:
            return
        begin = time.monotonic() - self._longest
        self._hits = {key: hits for key, hits in self._hits.items() if hits and hits[-1] > begin}
        self._sweep_at = max(SWEEP_AT_LEAST, 2 * len(self._hits))
