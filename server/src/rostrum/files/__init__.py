"""Files of rooms: uploaded and downloaded in a stream, whole or not at all."""

from rostrum.files.schemas import FileInfo
from rostrum.files.service import FileService

__all__ = ["FileInfo", "FileService"]
