"""The table of files."""

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from rostrum.kit.db import Base


class RoomFile(Base):
    """A file of a room. The row is written after its object and deleted before it: what is listed can be read.

    `uploader` is the subject of whoever uploaded it. `object_key` is made by the server from nothing that came in.
    """

    __tablename__ = "room_files"
    __table_args__ = (
        Index("ix_room_files_room_uploaded", "room_id", "uploaded_at", "id"),
        Index("ux_room_files_room_filename", "room_id", "filename", unique=True),
    )

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    filename: Mapped[str] = mapped_column(String(200))
    original_name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    object_key: Mapped[str] = mapped_column(String(100), unique=True)
    uploader: Mapped[str] = mapped_column(String(64))
    uploaded_at: Mapped[int] = mapped_column(BigInteger)
