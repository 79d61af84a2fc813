"""Every query on the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert as sql_insert
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.audit.models import AuditRecord


async def insert(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append records, given by their columns, in this order."""
    await session.execute(sql_insert(AuditRecord), list(rows))


async def page(
    session: AsyncSession,
    tenant_id: str,
    *,
    equal: dict[str, str],
    since: int | None,
    until: int | None,
    before: int | None,
    limit: int,
) -> Sequence[AuditRecord]:
    """Up to `limit` records of a tenant, the newest first. `equal`: column → value; moments in milliseconds."""
    query = select(AuditRecord).where(AuditRecord.tenant_id == tenant_id)
    for column, value in equal.items():
        query = query.where(getattr(AuditRecord, column) == value)
    if since is not None:
        query = query.where(AuditRecord.at >= since)
    if until is not None:
        query = query.where(AuditRecord.at <= until)
    if before is not None:
        query = query.where(AuditRecord.position < before)
    return (await session.scalars(query.order_by(AuditRecord.position.desc()).limit(limit))).all()
