"""Memory of a server under test."""

import asyncio
import os
from pathlib import Path
from typing import Self

_PAGE = os.sysconf("SC_PAGE_SIZE")


def private_bytes(pid: int) -> int:
    """What this process alone holds in memory: its proportional set, pages shared with others counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} tells nothing of its memory")


def resident_bytes(pid: int) -> int:
    """What of this process is in memory, shared pages included: to be had at once, however large the process is."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


class Watch:
    """Reads a process's memory all the time within an `async with`.

    Attributes:
        most: the most that was held for half a second on end. What is held for less is a delivery that was late, since
            server or load had not had the processor.
    """

    EVERY_SECONDS, ON_END = 0.05, 10

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._last: list[int] = []
        self.most = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._task.cancel()

    async def _read(self) -> None:
        while True:
            self._last = [*self._last[1 - self.ON_END :], resident_bytes(self._pid)]
            if len(self._last) == self.ON_END:
                self.most = max(self.most, min(self._last))
            await asyncio.sleep(self.EVERY_SECONDS)
