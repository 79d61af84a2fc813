"""Identifiers in ObjectId form: 4 bytes of time, then 8 random bytes, as 24 lower-case hex characters."""

import os
import re
import time

_ID = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    """Make an id. Ids made in different seconds sort by the time they were made."""
    return f"{int(time.time()) & 0xFFFFFFFF:08x}{os.urandom(8).hex()}"


def is_id(value: str) -> bool:
    """Tell whether a string has the form of an id."""
    return _ID.fullmatch(value) is not None
