"""Names of files: what came in, made harmless; and the header that gives a name to a download."""

import unicodedata
from typing import Final
from urllib.parse import quote

LONGEST: Final = 110
LONGEST_ENDING: Final = 16
_KEPT: Final = frozenset(" .-_()[]+,@")
_TURNING: Final = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def original_name(claimed: str) -> str:
    """The name as the uploader's system shows it: without folders, control characters and marks that turn text."""
    last = unicodedata.normalize("NFC", claimed).replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(char for char in last if char not in _TURNING and unicodedata.category(char)[0] != "C")
    return _shortened(clean.strip()) or "file"


def stored_name(room_id: str, original: str) -> str:
    """The name by which the file is asked for: the room's id, then letters, digits and a few other characters."""
    safe = "".join(char if char.isalnum() or char in _KEPT else "_" for char in original)
    return f"{room_id}_{safe.strip(' .') or 'file'}"


def told_apart(name: str, file_id: str) -> str:
    """A stored name that no other file has, for one whose name is taken: the file's id before the ending."""
    last = ending(name)
    if not last or len(last) > LONGEST_ENDING:
        return f"{name}-{file_id}"
    return f"{name[: -len(last) - 1]}-{file_id}.{name[-len(last) :]}"


def ending(name: str) -> str:
    """The part behind the last dot in small letters, "" where there is none."""
    _, dot, last = name.rpartition(".")
    return last.lower() if dot else ""


def disposition(name: str) -> str:
    """Content-Disposition of a download (RFC 6266): a plain name for old clients, the true one beside it."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%/' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _shortened(name: str) -> str:
    """At most LONGEST characters; the ending stays, since it tells what the file is."""
    if len(name) <= LONGEST:
        return name
    last = ending(name)
    if not last or len(last) > LONGEST_ENDING:
        return name[:LONGEST]
    return f"{name[: LONGEST - len(last) - 1]}.{name[-len(last) :]}"
