"""Types of files: told by the ending of the name, held against the first bytes. Nothing is ever unpacked here."""

from collections.abc import Mapping
from typing import Final

from rostrum.files.errors import FileTypeMismatch, PictureTooLarge
from rostrum.files.names import ending
from rostrum.files.pictures import Measure, Unmeasurable

HEAD_BYTES: Final = 4096
"""How much of a file's beginning the check looks at."""

UNKNOWN: Final = "application/octet-stream"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OPEN: Final = "application/vnd.oasis.opendocument"

BY_ENDING: Final[Mapping[str, str]] = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "bmp": "image/bmp", "svg": "image/svg+xml",
    "pdf": "application/pdf", "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "csv": "text/csv",
    "json": "application/json", "rtf": "application/rtf", "srt": "application/x-subrip", "vtt": "text/vtt",
    "html": "text/html", "htm": "text/html", "xhtml": "application/xhtml+xml", "xml": "application/xml",
    "js": "text/javascript", "css": "text/css",
    "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
    "docx": f"{_OFFICE}.wordprocessingml.document", "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "odt": f"{_OPEN}.text", "ods": f"{_OPEN}.spreadsheet", "odp": f"{_OPEN}.presentation",
    "zip": "application/zip", "gz": "application/gzip", "7z": "application/x-7z-compressed",
    "mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "m4a": "audio/mp4", "flac": "audio/flac",
    "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska",
}  # fmt: skip

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OLE: Final = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
_MATROSKA: Final = (b"\x1a\x45\xdf\xa3",)

# Type → what a file of it begins with; types that are missing here are text.
_BEGINNINGS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",), "image/jpeg": (b"\xff\xd8\xff",), "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",), "image/bmp": (b"BM",), "application/pdf": (b"%PDF-",), "application/rtf": (b"{\\rtf",),
    "application/zip": _ZIP, "application/gzip": (b"\x1f\x8b",),
    "application/x-7z-compressed": (b"7z\xbc\xaf\x27\x1c",),
    "application/msword": _OLE, "application/vnd.ms-excel": _OLE, "application/vnd.ms-powerpoint": _OLE,
    f"{_OFFICE}.wordprocessingml.document": _ZIP, f"{_OFFICE}.spreadsheetml.sheet": _ZIP,
    f"{_OFFICE}.presentationml.presentation": _ZIP,
    f"{_OPEN}.text": _ZIP, f"{_OPEN}.spreadsheet": _ZIP, f"{_OPEN}.presentation": _ZIP,
    "audio/mpeg": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"), "audio/wav": (b"RIFF",),
    "audio/ogg": (b"OggS",), "audio/flac": (b"fLaC",), "video/webm": _MATROSKA, "video/x-matroska": _MATROSKA,
}  # fmt: skip
# Type → (place, bytes) that must stand further in.
_INSIDE: Final[Mapping[str, tuple[int, tuple[bytes, ...]]]] = {
    "image/webp": (8, (b"WEBP",)),
    "audio/wav": (8, (b"WAVE",)),
    "audio/mp4": (4, (b"ftyp",)),
    "video/mp4": (4, (b"ftyp",)),
    "video/quicktime": (4, (b"ftyp", b"moov", b"mdat", b"wide", b"free")),
}
# What browsers are known to say about files that are something else; the ending decides then.
_LOOSE: Final = frozenset({UNKNOWN, "application/vnd.ms-excel", "text/plain"})
# Whatever a browser might run is sent as plain bytes, whatever the uploader has called it.
_HARMLESS: Final = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "audio/", "video/", "text/plain")
_HARMLESS_TOO: Final = ("text/csv", "application/pdf", "application/zip", _OFFICE, _OPEN)


def type_of(name: str) -> str:
    """The type that a name claims."""
    return BY_ENDING.get(ending(name), UNKNOWN)


class Inspection:
    """Looks at a file while it arrives: it must be what it claims to be, and a picture not too large once unpacked.

    Args:
        claimed: its type by its name.
        header: its type as the form tells it.
        most_pixels: of a picture, width times height.
    """

    def __init__(self, claimed: str, header: str, *, most_pixels: int) -> None:
        self._claimed = claimed
        self._header = header
        self._most_pixels = most_pixels
        self._head = b""
        self._checked = False
        self._measure = Measure(claimed)

    def take(self, chunk: bytes) -> None:
        """Look at the next bytes.

        Raises:
            FileTypeMismatch: the file is something else.
            PictureTooLarge: it has too many pixels.
        """
        if not self._checked:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
            if len(self._head) == HEAD_BYTES:
                self.finish()
        try:
            self._measure.take(chunk)
        except Unmeasurable as error:
            raise FileTypeMismatch() from error
        width, height = self._measure.size or (0, 0)
        if width * height > self._most_pixels:
            raise PictureTooLarge()

    def finish(self) -> None:
        """There are no more bytes, or enough of them.

        Raises:
            FileTypeMismatch: as `take`.
        """
        if not self._checked:
            self._checked = True
            check(self._claimed, self._header, self._head)


def check(claimed: str, header: str, head: bytes) -> None:
    """Hold the first bytes of a file against its type by name, and against the one that the form claims.

    Raises:
        FileTypeMismatch: they are those of something else.
    """
    if not _fits(claimed, head):
        raise FileTypeMismatch()
    known = header in _BEGINNINGS or header in _INSIDE
    if known and header not in _LOOSE and not _fits(header, head):
        raise FileTypeMismatch()


def sent_as(kind: str) -> str:
    """The Content-Type of a download."""
    return kind if kind.startswith(_HARMLESS + _HARMLESS_TOO) else UNKNOWN


def _fits(kind: str, head: bytes) -> bool:
    if kind == UNKNOWN:
        return True
    beginnings, inside = _BEGINNINGS.get(kind), _INSIDE.get(kind)
    if beginnings is None and inside is None:
        return b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))  # Text; UTF-16 is full of zeros.
    if beginnings is not None and not head.startswith(beginnings):
        return False
    return inside is None or head[inside[0] :].startswith(inside[1])
