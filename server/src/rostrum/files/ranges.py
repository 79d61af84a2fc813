"""The headers that ask for a part of a file, or for a file that one does not have yet (RFC 9110, 13 and 14)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

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


def http_date(moment: int) -> str:
    """Milliseconds since 1970 as Last-Modified writes them: in whole seconds."""
    return format_datetime(datetime.fromtimestamp(moment // 1000, UTC), usegmt=True)


def has_it(headers: Mapping[str, str], etag: str, modified: int) -> bool:
    """Whether the client has this very file already: then 304 is the answer (If-None-Match, If-Modified-Since)."""
    if (known := headers.get("if-none-match")) is not None:
        return any(one.strip().removeprefix("W/") in ("*", etag) for one in known.split(","))
    since = _moment(headers.get("if-modified-since"))
    return since is not None and modified // 1000 <= since


def part_wanted(headers: Mapping[str, str], etag: str, modified: int) -> str | None:
    """The Range header, unless If-Range names another file than this one."""
    condition = headers.get("if-range")
    if condition is not None and condition != etag and _moment(condition) != modified // 1000:
        return None
    return headers.get("range")


def _moment(date: str | None) -> int | None:
    """Seconds since 1970; None where it is no date."""
    if not date:
        return None
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return None
