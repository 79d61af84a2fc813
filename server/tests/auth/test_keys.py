"""API keys: shown once, stored as hashes, revocable."""

from typing import Any

import httpx
import pytest
from rostrum.kit.db import Database
from rostrum.services import Services
from rostrum.tenants import TenantService
from rostrum.tenants.errors import ApiKeyNotFound, InvalidApiKey, TenantExists
from rostrum.tenants.models import ApiKey
from sqlalchemy import select


async def test_is_stored_as_a_hash(services: Services, backend: Any) -> None:
    async with services.db.reading() as session:
        rows = (await session.scalars(select(ApiKey))).all()
    assert {row.kind for row in rows} == {"secret", "publishable"}
    assert all(backend.headers["x-api-key"] not in str(vars(row)) for row in rows)
    assert all(len(row.hash) == 64 for row in rows)


async def test_a_revoked_key_is_refused(client: httpx.AsyncClient, services: Services, backend: Any) -> None:
    assert (await client.get("/v1/features", headers=backend.headers)).status_code == 200
    key = next(key for key in await services.tenants.keys(backend.id) if key.kind == "secret")
    assert key.last_used_at is not None
    await services.tenants.revoke_key(key.id)
    assert (await client.get("/v1/features", headers=backend.headers)).status_code == 401


async def test_another_process_notices_a_revocation(services: Services, backend: Any) -> None:
    """A key remembered by a running server is looked up again when the cache runs out."""
    other = TenantService(services.db, "s" * 32, services.audit, cache_seconds=0)
    assert (await other.identify(backend.headers["x-api-key"])).kind == "secret"
    key = next(key for key in await services.tenants.keys(backend.id) if key.kind == "secret")
    await services.tenants.revoke_key(key.id)
    with pytest.raises(InvalidApiKey):
        await other.identify(backend.headers["x-api-key"])


async def test_the_web_key_is_the_same_each_time_and_differs_by_tenant(services: Services) -> None:
    one, two = await services.tenants.create("one"), await services.tenants.create("two")
    assert services.tenants.web_key(one.id) == services.tenants.web_key(one.id)
    assert services.tenants.web_key(one.id) != services.tenants.web_key(two.id)
    assert (await services.tenants.identify(services.tenants.web_key(two.id))).tenant == two


async def test_a_derived_key_revoked_stays_revoked(services: Services) -> None:
    tenant = await services.tenants.default()
    made = await services.tenants.create_key(tenant.id, "secret", "demo", key="rk_secret_demo")
    await services.tenants.revoke_key(made.id)
    again = await services.tenants.create_key(tenant.id, "secret", "demo", key="rk_secret_demo")
    assert again.id == made.id
    with pytest.raises(InvalidApiKey):
        await services.tenants.identify("rk_secret_demo")


async def test_a_new_server_secret_gets_new_web_keys(services: Services) -> None:
    tenant = await services.tenants.default()
    renewed = TenantService(services.db, "another secret " * 3, services.audit, cache_seconds=0)
    await renewed.ensure_web_keys()
    await renewed.ensure_web_keys()
    assert (await renewed.identify(renewed.web_key(tenant.id))).tenant == tenant
    key = next(key for key in await renewed.keys(tenant.id) if renewed.web_key(tenant.id).startswith(key.hint[:-1]))
    await renewed.revoke_key(key.id)
    await renewed.ensure_web_keys()
    with pytest.raises(InvalidApiKey):
        await renewed.identify(renewed.web_key(tenant.id))


async def test_unknown_things(services: Services) -> None:
    with pytest.raises(ApiKeyNotFound):
        await services.tenants.revoke_key("0" * 24)
    with pytest.raises(TenantExists):
        await services.tenants.create("default")


async def test_nested_units_of_work_are_one_transaction(services: Services) -> None:
    db: Database = services.db
    with pytest.raises(ZeroDivisionError):
        async with db.session():
            await services.tenants.create("gone")
            raise ZeroDivisionError
    assert "gone" not in {tenant.name for tenant in await services.tenants.list()}
