"""Every query on tenants and keys."""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import bindparam, inspect, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.db import Database
from rostrum.kit.queries import Query
from rostrum.kit.upserts import insert_once
from rostrum.tenants.models import ApiKey, Tenant


async def find_tenant(session: AsyncSession, id_or_name: str) -> Tenant | None:
    """The tenant of this id or name."""
    query = select(Tenant).where(or_(Tenant.id == id_or_name, Tenant.name == id_or_name))
    return await session.scalar(query)


async def list_tenants(session: AsyncSession) -> Sequence[Tenant]:
    """All tenants, oldest first."""
    return (await session.scalars(select(Tenant).order_by(Tenant.created_at, Tenant.id))).all()


async def add_key(session: AsyncSession, row: ApiKey) -> str | None:
    """Add a key, unless it is there already: then its id."""
    values = {column.key: getattr(row, column.key) for column in inspect(ApiKey).columns}
    if await insert_once(session, ApiKey, **values):
        return None
    return await session.scalar(select(ApiKey.id).where(ApiKey.hash == row.hash))


class KeyRow(msgspec.Struct, frozen=True):
    """A key with its tenant, as each request needs them."""

    key_id: str
    kind: str
    revoked_at: int | None
    tenant_id: str
    tenant_name: str
    package: str


_KEY = Query(
    select(ApiKey.id, ApiKey.kind, ApiKey.revoked_at, Tenant.id, Tenant.name, Tenant.package)
    .join(Tenant, Tenant.id == ApiKey.tenant_id)
    .where(ApiKey.hash == bindparam("digest")),
    KeyRow,
)


async def look_up_key(db: Database, digest: str) -> KeyRow | None:
    """The key with this hash, revoked or not."""
    return await db.first(_KEY, digest=digest)


async def valid_keys(session: AsyncSession, key_ids: Collection[str]) -> dict[str, Tenant]:
    """Those of the keys that are not revoked, each with its tenant."""
    query = select(ApiKey.id, Tenant).join(Tenant, Tenant.id == ApiKey.tenant_id)
    rows = await session.execute(query.where(ApiKey.id.in_(key_ids), ApiKey.revoked_at.is_(None)))
    return {row[0]: row[1] for row in rows}


async def list_keys(session: AsyncSession, tenant_id: str) -> Sequence[ApiKey]:
    """A tenant's keys, oldest first."""
    query = select(ApiKey).where(ApiKey.tenant_id == tenant_id).order_by(ApiKey.created_at, ApiKey.id)
    return (await session.scalars(query)).all()


async def revoke_key(session: AsyncSession, key_id: str, moment: int) -> str | None:
    """Mark a key as revoked; tell whose it is, None if there is no such key."""
    key = await session.get(ApiKey, key_id)
    if key is not None and key.revoked_at is None:
        key.revoked_at = moment
    return key.tenant_id if key is not None else None


async def touch_keys(session: AsyncSession, used: Mapping[str, int]) -> None:
    """Note when keys were last used: id → moment."""
    for key_id, moment in sorted(used.items()):  # In one order, or two servers could wait for each other for ever.
        await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=moment))
