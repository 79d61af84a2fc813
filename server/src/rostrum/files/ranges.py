"""The Range header (RFC 9110, section 14)."""

import re

from rostrum.files.errors import RangeNotSatisfiable

_ONE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII)


def wanted_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The range that a header asks for, as start and end, the end not included.

    None where it asks for none, for several at once or in another form: then the whole file is the answer, as the RFC
    allows.

    Raises:
        RangeNotSatisfiable: it begins behind the end.
    """
    match = _ONE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None  # Not well formed, so it is as if it were not there.
    if start >= end:
        raise RangeNotSatisfiable()
    return start, end
