"""Every query on rooms."""

from collections.abc import Sequence

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.pagination import Position
from rostrum.rooms.models import Room, RoomGrant


async def by_id(session: AsyncSession, room_id: str) -> Room | None:
    """The room with this id, of any tenant."""
    return await session.get(Room, room_id)


async def locked(session: AsyncSession, room_id: str) -> Room | None:
    """The room with this id, for a change: nobody else changes it until this transaction ends."""
    return await session.get(Room, room_id, with_for_update=True)


async def page(
    session: AsyncSession, tenant_id: str, owner_id: str | None, *, limit: int, after: Position | None
) -> Sequence[Room]:
    """Rooms of a tenant, of one owner or (None) of all, the newest first, beginning after a position."""
    query = select(Room).where(Room.tenant_id == tenant_id)
    if owner_id is not None:
        query = query.where(Room.owner_id == owner_id)
    if after is not None:
        query = query.where(tuple_(Room.created_at, Room.id) < tuple(after))
    return (await session.scalars(query.order_by(Room.created_at.desc(), Room.id.desc()).limit(limit))).all()


async def grants(session: AsyncSession, room_id: str) -> Sequence[RoomGrant]:
    """All grants of a room."""
    return (await session.scalars(select(RoomGrant).where(RoomGrant.room_id == room_id))).all()


async def clear_live_grants(session: AsyncSession, room_id: str) -> None:
    """Forget a room's live grants."""
    await session.execute(delete(RoomGrant).where(RoomGrant.room_id == room_id, RoomGrant.live.is_(True)))


async def delete_grant(session: AsyncSession, room_id: str, subject: str, *, live: bool) -> bool:
    """Forget one grant; tells whether there was one."""
    query = delete(RoomGrant).where(
        RoomGrant.room_id == room_id, RoomGrant.subject == subject, RoomGrant.live.is_(live)
    )
    return (await session.execute(query.returning(RoomGrant.subject))).first() is not None


async def owned_by(session: AsyncSession, tenant_id: str, user_id: str) -> Sequence[Room]:
    """All rooms of a user, oldest first."""
    query = select(Room).where(Room.tenant_id == tenant_id, Room.owner_id == user_id)
    return (await session.scalars(query.order_by(Room.created_at, Room.id))).all()


async def granted_to(session: AsyncSession, subject: str) -> Sequence[RoomGrant]:
    """All roles that somebody was given."""
    return (await session.scalars(select(RoomGrant).where(RoomGrant.subject == subject))).all()


async def disown(session: AsyncSession, tenant_id: str, user_id: str) -> set[str]:
    """Leave a user's rooms to the tenant and take the user's roles away; tell which rooms have changed."""
    owned = update(Room).where(Room.tenant_id == tenant_id, Room.owner_id == user_id).values(owner_id=None)
    changed = set(await session.scalars(owned.returning(Room.id)))
    return changed | set(
        await session.scalars(delete(RoomGrant).where(RoomGrant.subject == user_id).returning(RoomGrant.room_id))
    )
