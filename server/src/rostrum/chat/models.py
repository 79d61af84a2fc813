"""The table of chat messages."""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from rostrum.kit.db import Base


class ChatMessage(Base):
    """A message. `position` orders messages, also those of the same millisecond.

    `client_id` is chosen by the client; sending it again from the same subject is the same message.
    """

    __tablename__ = "chat_messages"
    __table_args__ = (
        UniqueConstraint("room_id", "subject", "client_id"),
        Index("ix_chat_messages_room_position", "room_id", "position"),
    )

    position: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    id: Mapped[str] = mapped_column(String(24), unique=True)
    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(64))
    peer_id: Mapped[str] = mapped_column(String(24))
    name: Mapped[str] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(Text)
    file: Mapped[str | None] = mapped_column(Text)
    client_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(BigInteger)
