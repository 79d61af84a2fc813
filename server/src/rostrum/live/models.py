"""Tables of sessions: one live run of a room, and who took part."""

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from rostrum.kit.db import Base


class LiveSession(Base):
    """One live run of a room. `ended_at` is empty while it runs, and after a kill of the server until it is settled.

    It outlives its room, since numbers are asked for later: type and owner are those that the room had then. `leader`
    is the node that leads it: no other one may change it, whatever it believes.
    """

    __tablename__ = "live_sessions"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(24), index=True)
    room_id: Mapped[str] = mapped_column(String(64), index=True)
    room_type: Mapped[str | None] = mapped_column(String(20))
    owner_id: Mapped[str | None] = mapped_column(String(64), index=True)
    started_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    locked: Mapped[bool] = mapped_column(default=False)
    leader: Mapped[str | None] = mapped_column(String(24))


class LiveParticipant(Base):
    """One stay of a peer in a session. `removed`: a host has sent them away."""

    __tablename__ = "live_participants"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"), index=True)
    subject: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(10))
    joined_at: Mapped[int] = mapped_column(BigInteger)
    left_at: Mapped[int | None] = mapped_column(BigInteger)
    removed: Mapped[bool] = mapped_column(default=False)
