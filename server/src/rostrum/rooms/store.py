"""Every query on rooms."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.db import Database
from rostrum.kit.pagination import PAGE, PLACE, Position
from rostrum.kit.queries import ESCAPE, Query, columns, like_part
from rostrum.kit.upserts import put
from rostrum.rooms.info import Grant, RoomFilter, RoomInfo
from rostrum.rooms.models import Room, RoomGrant

_ROOM = columns(Room, RoomInfo)
_BY_ID = Query(select(*_ROOM).where(Room.id == bindparam("room_id")), RoomInfo)
_GRANTS = Query(
    select(RoomGrant.subject, RoomGrant.role, RoomGrant.live).where(RoomGrant.room_id == bindparam("room_id")), Grant
)


async def by_id(db: Database, room_id: str) -> RoomInfo | None:
    """The room with this id, of any tenant."""
    return await db.first(_BY_ID, room_id=room_id)


async def grants(db: Database, room_id: str) -> Sequence[Grant]:
    """All grants of a room."""
    return await db.all(_GRANTS, room_id=room_id)


async def locked(session: AsyncSession, room_id: str) -> Room | None:
    """The room with this id, for a change: nobody else changes it until this transaction ends."""
    return await session.get(Room, room_id, with_for_update={"key_share": True})  # Those who refer to it need not wait.


async def page(
    db: Database, tenant_id: str, wanted: RoomFilter, *, limit: int, after: Position | None
) -> Sequence[RoomInfo]:
    """Up to `limit` rooms of a tenant that are as wanted, in the wanted order, beginning after a position."""
    values = {name: getattr(wanted, name) for name in _CONDITIONS if getattr(wanted, name) is not None}
    query = _page(tuple(values), wanted.oldest_first, after is not None)
    if wanted.name is not None:
        values["name"] = like_part(wanted.name)
    if after is not None:
        values |= after.values
    return await db.all(query, tenant_id=tenant_id, limit=limit, **values)


_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "owner_id": Room.owner_id == bindparam("owner_id"),
    "type": Room.type == bindparam("type"),
    "is_private": Room.is_private == bindparam("is_private"),
    "name": Room.name.ilike(bindparam("name"), escape=ESCAPE),
    "since": Room.created_at >= bindparam("since"),
    "until": Room.created_at <= bindparam("until"),
}


@cache
def _page(conditions: tuple[str, ...], oldest_first: bool, follows: bool) -> Query[RoomInfo]:
    """One query for each combination of conditions: there are few, and each is compiled once."""
    where = [Room.tenant_id == bindparam("tenant_id"), *(_CONDITIONS[name] for name in conditions)]
    if follows:
        place = tuple_(Room.created_at, Room.id)
        where.append(place > PLACE if oldest_first else place < PLACE)
    order = [column.asc() if oldest_first else column.desc() for column in (Room.created_at, Room.id)]
    return Query(select(*_ROOM).where(*where).order_by(*order).limit(PAGE), RoomInfo)


async def clear_live_grants(session: AsyncSession, room_id: str) -> None:
    """Forget a room's live grants."""
    await session.execute(delete(RoomGrant).where(RoomGrant.room_id == room_id, RoomGrant.live.is_(True)))


async def put_grant(session: AsyncSession, room_id: str, subject: str, role: str, *, live: bool, now: int) -> None:
    """Note a role of somebody's in a room in place of an earlier one."""
    await put(session, RoomGrant, room_id=room_id, subject=subject, live=live, role=role, granted_at=now)


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
