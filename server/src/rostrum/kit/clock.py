"""Time, in two kinds that must not be mixed.

Moments are whole milliseconds since 1970 in UTC and can jump when somebody sets the clock.
Durations are measured in seconds by the monotonic clock, so they are never negative.
"""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Moment = int
"""Milliseconds since 1970-01-01T00:00:00Z."""


def now_ms() -> Moment:
    """The present moment by the wall clock."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds since an arbitrary start, for durations only."""
    return time.monotonic()


def iso(moment: Moment) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds and Z, for example 2025-10-14T13:08:09.559Z."""
    minutes, rest = divmod(moment, 60_000)
    seconds, millis = divmod(rest, 1000)
    return f"{_minute(minutes)}:{seconds:02d}.{millis:03d}Z"


@lru_cache(maxsize=4096)
def _minute(minutes: int) -> str:
    """A minute since 1970, for example 2025-10-14T13:08. Remembered, since a list's moments lie close together."""
    return (_EPOCH + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")


def parse(value: int | str) -> Moment:
    """Read a moment from epoch milliseconds or ISO 8601 (UTC where no offset is given).

    Raises:
        ValueError: the value is neither, or outside the years 1970 to 9999.
    """
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        value = int(value)
    moment = value if isinstance(value, int) else _from_datetime(datetime.fromisoformat(value.strip()))
    if not 0 <= moment < 253_402_300_800_000:
        raise ValueError("The time lies outside the years 1970 to 9999.")
    return moment


def _from_datetime(value: datetime) -> Moment:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)  # Whole numbers throughout: floats lose milliseconds.
