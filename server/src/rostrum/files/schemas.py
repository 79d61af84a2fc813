"""What crosses the wire about files."""

from dataclasses import dataclass
from typing import Any

from rostrum.files.models import RoomFile
from rostrum.kit import clock


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file as other features see it; `size` in bytes, `uploaded_at` in milliseconds since 1970."""

    id: str
    room_id: str
    filename: str
    original_name: str
    type: str
    size: int
    object_key: str
    uploader: str
    uploaded_at: int

    @property
    def path(self) -> str:
        """Where the file stands in its room's folder, as the documented answers show it; no path of any disk."""
        return f"documents/{self.room_id}/{self.filename}"


def info_of(row: RoomFile) -> FileInfo:
    """The file of a row."""
    return FileInfo(
        id=row.id,
        room_id=row.room_id,
        filename=row.filename,
        original_name=row.original_name,
        type=row.type,
        size=row.size,
        object_key=row.object_key,
        uploader=row.uploader,
        uploaded_at=row.uploaded_at,
    )


def upload_body(file: FileInfo) -> dict[str, Any]:
    """The data of an upload's answer, as the documented example shows it."""
    return {
        "originalName": file.original_name,
        "filename": file.filename,
        "size": file.size,
        "roomId": file.room_id,
        "path": file.path,
    }


def file_body(file: FileInfo) -> dict[str, Any]:
    """A file as the documented example shows one."""
    return {
        "filename": file.filename,
        "originalName": file.original_name,
        "size": file.size,
        "uploadDate": clock.iso(file.uploaded_at),
        "path": file.path,
    }
