"""What the doctor found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        check: what was looked at, stable for programs.
        level: `ok`; `warn`, it works but not for everybody or not for long; `fail`, it does not work.
        text: what was seen.
        advice: what to do about it; empty when all is well.
    """

    check: str
    level: Level
    text: str
    advice: str = ""
