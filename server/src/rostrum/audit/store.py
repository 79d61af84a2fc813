"""Every query on the audit log."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.audit.models import AuditRecord


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
