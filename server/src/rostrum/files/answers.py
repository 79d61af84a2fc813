"""How the answers about files look, for the OpenAPI document."""

from datetime import datetime
from typing import ClassVar

from rostrum.kit.answers import Out


class UploadOut(Out):
    """A file that has just arrived."""

    EXAMPLE: ClassVar = {
        "originalName": "slides.pdf",
        "filename": "68aff60d0d7bbb02c917906d_slides.pdf",
        "size": 48213,
        "roomId": "68aff60d0d7bbb02c917906d",
        "path": "documents/68aff60d0d7bbb02c917906d/68aff60d0d7bbb02c917906d_slides.pdf",
    }
    original_name: str
    filename: str
    size: int
    room_id: str
    path: str


class FileOut(Out):
    """A file; `size` in bytes."""

    EXAMPLE: ClassVar = {
        "filename": "68aff60d0d7bbb02c917906d_slides.pdf",
        "originalName": "slides.pdf",
        "size": 48213,
        "uploadDate": "2025-10-14T13:08:09.559Z",
        "path": "documents/68aff60d0d7bbb02c917906d/68aff60d0d7bbb02c917906d_slides.pdf",
    }
    filename: str
    original_name: str
    size: int
    upload_date: datetime
    path: str


class DeletedOut(Out):
    """How many files are gone."""

    EXAMPLE: ClassVar = {"deletedCount": 2}
    deleted_count: int
