"""Which refusals were recorded a moment ago: a flood of tries must not become one of records that nobody can delete."""

from typing import Final

import structlog

from rostrum.kit import clock

log = structlog.get_logger(__name__)

SECONDS: Final = 60.0
MOST_AN_ADDRESS: Final = 120
MOST_KNOWN: Final = 20_000


class Repeats:
    """Lets the same refusal through once a minute, and MOST_AN_ADDRESS different ones from one network address."""

    def __init__(self) -> None:
        self._until = 0.0
        self._known: set[tuple[str, ...]] = set()
        self._from: dict[str, int] = {}

    def tells(self, address: str, *what: str) -> bool:
        """Whether this refusal shall be recorded; from now on it counts as recorded."""
        now = clock.monotonic()
        if now >= self._until or len(self._known) >= MOST_KNOWN:
            self._until = now + SECONDS
            self._known.clear()
            self._from.clear()
        if (address, *what) in self._known:
            return False
        self._known.add((address, *what))
        count = self._from[address] = self._from.get(address, 0) + 1
        if count == MOST_AN_ADDRESS + 1:
            log.warning("audit.refusals_left_out", address=address)
        return count <= MOST_AN_ADDRESS
