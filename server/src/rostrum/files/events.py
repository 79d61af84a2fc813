"""Facts about files, announced once they are committed."""

from dataclasses import dataclass

from rostrum.auth import Principal
from rostrum.files.schemas import FileInfo


@dataclass(frozen=True, slots=True)
class FileUploaded:
    """A file was added to its room."""

    by: Principal
    file: FileInfo


@dataclass(frozen=True, slots=True)
class FileDownloaded:
    """Somebody began to read a file."""

    by: Principal
    file: FileInfo


@dataclass(frozen=True, slots=True)
class FilesDeleted:
    """Files of a room are gone for good; `filename` is empty where all of the room's were deleted."""

    by: Principal
    room_id: str
    filename: str
    count: int
