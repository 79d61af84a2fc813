"""Every query on rooms."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.rooms.models import Room, RoomGrant


async def by_id(session: AsyncSession, room_id: str) -> Room | None:
    """The room with this id, of any tenant."""
    return await session.get(Room, room_id)


async def grants(session: AsyncSession, room_id: str) -> Sequence[RoomGrant]:
    """All grants of a room."""
    return (await session.scalars(select(RoomGrant).where(RoomGrant.room_id == room_id))).all()


async def clear_live_grants(session: AsyncSession, room_id: str) -> None:
    """Forget a room's live grants."""
    await session.execute(delete(RoomGrant).where(RoomGrant.room_id == room_id, RoomGrant.live.is_(True)))


async def delete_grant(session: AsyncSession, room_id: str, subject: str, *, live: bool) -> None:
    """Forget one grant."""
    query = delete(RoomGrant).where(
        RoomGrant.room_id == room_id, RoomGrant.subject == subject, RoomGrant.live.is_(live)
    )
    await session.execute(query)
