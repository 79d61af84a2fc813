"""H.264's `profile-level-id`: who can decode what, and what to answer (RFC 6184, section 8.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

#: What a missing profile-level-id stands for here, as in browsers: constrained baseline, level 3.1.
DEFAULT = "42e01f"

# profile_idc, mask and value of the constraint bits, name.
_PROFILES = (
    (0x42, 0b01001111, 0b01000000, "constrained-baseline"),
    (0x4D, 0b10001111, 0b10000000, "constrained-baseline"),
    (0x58, 0b11001111, 0b11000000, "constrained-baseline"),
    (0x42, 0b01001111, 0b00000000, "baseline"),
    (0x58, 0b11001111, 0b10000000, "baseline"),
    (0x4D, 0b10101111, 0b00000000, "main"),
    (0x64, 0b11111111, 0b00000000, "high"),
    (0x64, 0b11111111, 0b00001100, "constrained-high"),
    (0xF4, 0b11111111, 0b00000000, "predictive-high-444"),
)
_PREFIXES = {
    "constrained-baseline": "42e0",
    "baseline": "4200",
    "main": "4d00",
    "constrained-high": "640c",
    "high": "6400",
    "predictive-high-444": "f400",
}
_LEVELS = frozenset({10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52})
#: Level 1b lies between 1 and 1.1; it is written as level 11 with constraint bit 3.
_LEVEL_1B = 10.5
_LEVEL_1B_PREFIXES = {"constrained-baseline": "42f0", "baseline": "4210", "main": "4d10"}

Parameters = Mapping[str, str | int | float]


class ProfileLevel(NamedTuple):
    """A profile's name and its level times ten."""

    profile: str
    level: float


def parse(value: str) -> ProfileLevel | None:
    """Reads six hexadecimal digits; None if they mean nothing."""
    if not re.fullmatch(r"[0-9a-fA-F]{6}", value, re.ASCII):
        return None
    idc, constraints, level_idc = bytes.fromhex(value)
    level: float = level_idc
    if level_idc == 11 and constraints & 0x10:
        level = _LEVEL_1B
    elif level_idc not in _LEVELS:
        return None
    for wanted_idc, mask, bits, name in _PROFILES:
        if idc == wanted_idc and constraints & mask == bits:
            return ProfileLevel(name, level)
    return None


def answer(local: Parameters, remote: Parameters) -> tuple[bool, str | None]:
    """Whether two ends have the same profile, and the profile-level-id to use (None: say nothing about it).

    The level is the local one if both allow asymmetry, else the lower of the two.
    """
    ours = parse(str(local.get("profile-level-id", DEFAULT)))
    theirs = parse(str(remote.get("profile-level-id", DEFAULT)))
    if ours is None or theirs is None or ours.profile != theirs.profile:
        return False, None
    if "profile-level-id" not in local and "profile-level-id" not in remote:
        return True, None
    asymmetric = all(str(end.get("level-asymmetry-allowed", 0)) == "1" for end in (local, remote))
    level = ours.level if asymmetric else min(ours.level, theirs.level)
    if level == _LEVEL_1B:
        prefix = _LEVEL_1B_PREFIXES.get(ours.profile)
        return (prefix is not None), (prefix + "0b" if prefix else None)
    return True, f"{_PREFIXES[ours.profile]}{int(level):02x}"
