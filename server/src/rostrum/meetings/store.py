"""Every query on meetings."""

from collections.abc import Sequence

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.pagination import Position
from rostrum.meetings.models import Meeting


async def by_id(session: AsyncSession, tenant_id: str, meeting_id: str, *, lock: bool = False) -> Meeting | None:
    """The tenant's meeting with this id; locked, nobody else changes it until this transaction ends."""
    query = select(Meeting).where(Meeting.tenant_id == tenant_id, Meeting.id == meeting_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def page(
    session: AsyncSession, tenant_id: str, host_id: str, *, limit: int, after: Position | None
) -> Sequence[Meeting]:
    """Up to `limit` meetings of one host, the newest first, beginning after a position."""
    query = select(Meeting).where(Meeting.tenant_id == tenant_id, Meeting.host_id == host_id)
    if after is not None:
        query = query.where(tuple_(Meeting.created_at, Meeting.id) < tuple(after))
    return (await session.scalars(query.order_by(Meeting.created_at.desc(), Meeting.id.desc()).limit(limit))).all()


async def hosted_by(session: AsyncSession, tenant_id: str, host_id: str) -> Sequence[Meeting]:
    """All meetings of a host, oldest first."""
    query = select(Meeting).where(Meeting.tenant_id == tenant_id, Meeting.host_id == host_id)
    return (await session.scalars(query.order_by(Meeting.created_at, Meeting.id))).all()


async def delete_hosted_by(session: AsyncSession, tenant_id: str, host_id: str) -> None:
    """Delete all meetings of a host."""
    await session.execute(delete(Meeting).where(Meeting.tenant_id == tenant_id, Meeting.host_id == host_id))
