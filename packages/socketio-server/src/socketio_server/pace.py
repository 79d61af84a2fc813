"""How much is written before the event loop gets its turn. Measured, since machines and networks differ tenfold.

The time of the writes themselves tells little: uvloop hands what is written within a turn to the kernel at the turn's
end, which takes far longer than the calls. So each slice is timed until the loop's next turn; from that follows how
many writes the next slice may have. The clock is looked at within a slice as well, for loops that write at once.
"""

import time
from typing import Final

FEW: Final = 32
"""Writes between two looks at the clock."""
SLICE_SECONDS: Final = 0.003
"""What a slice may take; what comes on top of it is to end below 5 ms."""
FIRST_GUESS: Final = 50e-6
"""Seconds for a write before any was measured: more than it will be, so that the first slices are short."""
LEAST: Final = 1.5e-6
"""No system call is quicker. Writes that are go to clients who have gone or wait: the next ones may be dear again."""
WEIGHT: Final = 0.5
"""Of the latest slice in the average over all; one that shared its turn with other work says too much."""
UNUSUAL: Final = 4.0
"""How many times the average a slice may seem to cost: more was something else, a collection of garbage for example."""

clock = time.perf_counter


class Pace:
    """Counts the writes of a slice and says when it is over."""

    __slots__ = ("_began", "_cost", "_look", "_most", "_written")

    def __init__(self) -> None:
        self._cost = FIRST_GUESS
        self._began = 0.0
        self._written = self._look = self._most = 0

    def begin(self) -> None:
        """A slice begins."""
        self._began = clock()
        self._written = 0
        self._look = FEW
        self._most = int(SLICE_SECONDS / self._cost)

    def used(self, writes: int) -> bool:
        """Count writes; whether the slice is over."""
        self._written += writes
        if self._written < self._look:
            return False
        self._look = self._written + FEW
        return self._written >= self._most or clock() >= self._began + SLICE_SECONDS

    def end(self) -> None:
        """The turn after a slice has come: learn what a write costs."""
        if self._written >= FEW:
            cost = (clock() - self._began) / self._written
            self._cost += WEIGHT * (min(max(cost, LEAST), UNUSUAL * self._cost) - self._cost)
        self._written = 0
