"""The table of meetings."""

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from rostrum.kit.db import Base


class Meeting(Base):
    """A meeting. It outlives its room, and `recording_ids` may name recordings that are gone by now."""

    __tablename__ = "meetings"
    __table_args__ = (Index("ix_meetings_tenant_host_created", "tenant_id", "host_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    host_id: Mapped[str] = mapped_column(String(24))
    room_id: Mapped[str | None] = mapped_column(ForeignKey("rooms.id", ondelete="SET NULL"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    transcript_enabled: Mapped[bool]
    summary_generated: Mapped[bool]
    recording_ids: Mapped[list[str]] = mapped_column(JSON)
    scheduled_at: Mapped[int | None] = mapped_column(BigInteger)
    duration_minutes: Mapped[int | None]
    created_at: Mapped[int] = mapped_column(BigInteger)
