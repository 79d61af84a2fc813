"""Every query on rooms."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.pagination import Position
from rostrum.rooms.info import RoomFilter
from rostrum.rooms.models import Room, RoomGrant


async def by_id(session: AsyncSession, room_id: str) -> Room | None:
    """The room with this id, of any tenant."""
    return await session.get(Room, room_id)


async def locked(session: AsyncSession, room_id: str) -> Room | None:
    """The room with this id, for a change: nobody else changes it until this transaction ends."""
    return await session.get(Room, room_id, with_for_update=True)


async def page(
    session: AsyncSession, tenant_id: str, wanted: RoomFilter, *, limit: int, after: Position | None
) -> Sequence[Room]:
    """Up to `limit` rooms of a tenant that are as wanted, in the wanted order, beginning after a position."""
    place = tuple_(Room.created_at, Room.id)
    query = select(Room).where(Room.tenant_id == tenant_id, *_conditions(wanted))
    if after is not None:
        query = query.where(place > tuple(after) if wanted.oldest_first else place < tuple(after))
    order = [column.asc() if wanted.oldest_first else column.desc() for column in (Room.created_at, Room.id)]
    return (await session.scalars(query.order_by(*order).limit(limit))).all()


def _conditions(wanted: RoomFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.owner_id is not None:
        yield Room.owner_id == wanted.owner_id
    if wanted.type is not None:
        yield Room.type == wanted.type
    if wanted.is_private is not None:
        yield Room.is_private.is_(wanted.is_private)
    if wanted.name is not None:
        yield Room.name.icontains(wanted.name, autoescape=True)
    if wanted.since is not None:
        yield Room.created_at >= wanted.since
    if wanted.until is not None:
        yield Room.created_at <= wanted.until


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
