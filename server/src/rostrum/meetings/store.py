"""Every query on meetings."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import bindparam, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.db import Database
from rostrum.kit.pagination import PAGE, PLACE, Position
from rostrum.kit.queries import Query, columns
from rostrum.meetings.info import MeetingInfo
from rostrum.meetings.models import Meeting

_MEETING = columns(Meeting, MeetingInfo)
_OF_TENANT = Meeting.tenant_id == bindparam("tenant_id")
_BY_ID = Query(select(*_MEETING).where(_OF_TENANT, Meeting.id == bindparam("meeting_id")), MeetingInfo)


async def by_id(db: Database, tenant_id: str, meeting_id: str) -> MeetingInfo | None:
    """The tenant's meeting with this id."""
    return await db.first(_BY_ID, tenant_id=tenant_id, meeting_id=meeting_id)


async def locked(session: AsyncSession, tenant_id: str, meeting_id: str) -> Meeting | None:
    """The tenant's meeting with this id, for a change: nobody else changes it until this transaction ends."""
    query = select(Meeting).where(Meeting.tenant_id == tenant_id, Meeting.id == meeting_id)
    return await session.scalar(query.with_for_update())


async def page(
    db: Database, tenant_id: str, host_id: str, *, limit: int, after: Position | None
) -> Sequence[MeetingInfo]:
    """Up to `limit` meetings of one host, the newest first, beginning after a position."""
    place = {} if after is None else after.values
    return await db.all(_page(after is not None), tenant_id=tenant_id, host_id=host_id, limit=limit, **place)


@cache
def _page(follows: bool) -> Query[MeetingInfo]:
    query = select(*_MEETING).where(_OF_TENANT, Meeting.host_id == bindparam("host_id"))
    if follows:
        query = query.where(tuple_(Meeting.created_at, Meeting.id) < PLACE)
    newest_first = query.order_by(Meeting.created_at.desc(), Meeting.id.desc())
    return Query(newest_first.limit(PAGE), MeetingInfo)


async def hosted_by(session: AsyncSession, tenant_id: str, host_id: str) -> Sequence[Meeting]:
    """All meetings of a host, oldest first."""
    query = select(Meeting).where(Meeting.tenant_id == tenant_id, Meeting.host_id == host_id)
    return (await session.scalars(query.order_by(Meeting.created_at, Meeting.id))).all()


async def delete_hosted_by(session: AsyncSession, tenant_id: str, host_id: str) -> None:
    """Delete all meetings of a host."""
    await session.execute(delete(Meeting).where(Meeting.tenant_id == tenant_id, Meeting.host_id == host_id))
