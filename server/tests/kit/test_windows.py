"""Sliding windows in memory: what counts, when it stops to count, and that nothing is kept for ever."""

import asyncio

from limits import parse
from rostrum.kit.windows import SWEEP_AT_LEAST, MemoryWindows


async def test_a_window_slides() -> None:
    windows, limit = MemoryWindows(), parse("3/second")
    assert [await windows.hit(limit, "door", "ada") for _ in range(4)] == [True, True, True, False]
    assert await windows.hit(limit, "door", "bob") and not await windows.test(limit, "door", "ada")
    assert (await windows.get_window_stats(limit, "door", "ada")).remaining == 0
    await asyncio.sleep(1.05)
    assert await windows.test(limit, "door", "ada") and await windows.hit(limit, "door", "ada")
    await windows.hit(limit, "door", "ada")
    await windows.clear(limit, "door", "ada")
    assert [await windows.hit(limit, "door", "ada") for _ in range(4)] == [True, True, True, False]


async def test_what_is_over_is_forgotten() -> None:
    windows, limit = MemoryWindows(), parse("3/second")
    for number in range(SWEEP_AT_LEAST):
        await windows.hit(limit, "door", str(number))
    await asyncio.sleep(1.05)
    await windows.hit(limit, "door", "new")
    assert len(windows._hits) == 1
