"""Tables of rooms and of the roles granted in them."""

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from rostrum.kit.db import Base


class Room(Base):
    """A durable room. `open` rooms were made by a client without a key, where the setting allows that.

    `owner_id` is a user's id, or the subject of whoever made an open room, or None for a room that the tenant's
    backend made for itself.
    """

    __tablename__ = "rooms"
    # Lists are read in the order of an index, so that a page does not cost the sorting of all rooms.
    __table_args__ = (
        Index("ix_rooms_tenant_created", "tenant_id", "created_at", "id"),
        Index("ix_rooms_tenant_owner_created", "tenant_id", "owner_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    owner_id: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    type: Mapped[str] = mapped_column(String(20))
    is_private: Mapped[bool]
    open: Mapped[bool]
    p2p: Mapped[bool]
    max_participants: Mapped[int | None]
    created_at: Mapped[int] = mapped_column(BigInteger)


class RoomGrant(Base):
    """A role granted to somebody in a room.

    `live` grants were given in a running session (a co-host on stage) and end with it; they are stored so that they
    survive a restart of the server. The others last.
    """

    __tablename__ = "room_grants"

    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    live: Mapped[bool] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(10))
    granted_at: Mapped[int] = mapped_column(BigInteger)
