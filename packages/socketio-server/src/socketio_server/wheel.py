"""One timer for all deadlines: heartbeats of thousands of sessions cost one timer, not one each."""

import asyncio
from typing import Final, Protocol

PER_TURN: Final = 500
"""How many deadlines are handled before the event loop gets its turn."""


class Timed(Protocol):
    """What can have a deadline.

    Attributes:
        slot: the wheel's own note; 0 without a deadline.
    """

    slot: int

    def expired(self) -> None:
        """The deadline has come; it is no longer set."""


class Wheel:
    """Deadlines in slots of `grain` seconds. One may come early by a grain, and is never late by more."""

    def __init__(self, grain: float) -> None:
        self._grain = grain
        self._slots: dict[int, set[Timed]] = {}
        self._timer: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def set(self, item: Timed, seconds: float) -> None:
        """Give it a deadline instead of the one it may have."""
        self.cancel(item)
        loop = self._loop = self._loop or asyncio.get_running_loop()
        item.slot = max(int((loop.time() + seconds) / self._grain), 1)
        self._slots.setdefault(item.slot, set()).add(item)
        if self._timer is None:
            self._timer = loop.call_later(self._grain, self._turn)

    def cancel(self, item: Timed) -> None:
        """Take its deadline away, if it has one."""
        if item.slot:
            members = self._slots[item.slot]
            members.discard(item)
            if not members:
                del self._slots[item.slot]
            item.slot = 0

    def _turn(self) -> None:
        assert self._loop is not None
        now = int(self._loop.time() / self._grain)
        left = PER_TURN
        for slot in sorted(slot for slot in self._slots if slot <= now):
            members = self._slots[slot]
            while members and left:
                item = next(iter(members))
                self.cancel(item)
                item.expired()
                left -= 1
        # An empty wheel stands still, and holds no event loop alive.
        self._timer = None
        if self._slots:
            self._timer = (
                self._loop.call_soon(self._turn) if not left else self._loop.call_later(self._grain, self._turn)
            )
