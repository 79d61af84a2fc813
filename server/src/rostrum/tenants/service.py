"""The verbs of tenants and API keys."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from rostrum.audit import AuditService
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.ids import new_id
from rostrum.kit.origin import origin, set_origin
from rostrum.tenants import store
from rostrum.tenants.errors import ApiKeyNotFound, InvalidApiKey, TenantExists, TenantNotFound
from rostrum.tenants.models import ApiKey, KeyKind, Package, Tenant
from rostrum.tenants.uses import KeyUses

DEFAULT_TENANT = "default"
PREFIXES: dict[KeyKind, str] = {"secret": "rk_secret_", "publishable": "rk_pub_"}
WEB_KEY_NAME = "web client"
CACHE_SIZE = 10_000
OPERATOR = "operator"
"""Whoever has the command line; tenants and keys are made and revoked there alone."""


@dataclass(frozen=True, slots=True)
class TenantInfo:
    """A tenant as other features see it."""

    id: str
    name: str
    package: str


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """What an API key proves."""

    key_id: str
    kind: KeyKind
    tenant: TenantInfo


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the one moment when it can be read."""

    id: str
    key: str
    kind: KeyKind


class TenantService:
    """Makes tenants and keys, and tells whose key one is."""

    def __init__(self, db: Database, secret: str, audit: AuditService, *, cache_seconds: float = 10) -> None:
        self._db = db
        self._secret = secret.encode()
        self._audit = audit
        self._cache_seconds = cache_seconds
        self._cache: dict[str, tuple[float, KeyIdentity]] = {}
        self._uses = KeyUses(db)
        self._web_keys: dict[str, str] = {}

    async def create(self, name: str, package: Package = "professional", *, tenant_id: str | None = None) -> TenantInfo:
        """Make a tenant with its web client's publishable key.

        Raises:
            TenantExists: the name or id is taken.
        """
        tenant = Tenant(id=tenant_id or new_id(), name=name, package=package, created_at=clock.now_ms())
        async with self._audit.watch("tenant.create", tenant_id=None, actor=OPERATOR) as watched:
            try:
                async with self._db.session() as session:
                    session.add(tenant)
                    await session.flush()
                    session.add(_row(tenant.id, "publishable", WEB_KEY_NAME, self.web_key(tenant.id)))
                    watched.tenant_id, watched.resource = tenant.id, f"tenant:{tenant.id}"
                    await self._audit.done(watched)
            except IntegrityError as error:
                raise TenantExists() from error
        return _info(tenant)

    async def default(self) -> TenantInfo:
        """The default tenant, made at the first call. Clients without a key belong to it where rooms are open."""
        try:
            return await self.get(DEFAULT_TENANT)
        except TenantNotFound:
            try:
                return await self.create(DEFAULT_TENANT)
            except TenantExists:  # Another server has started at this very moment.
                return await self.get(DEFAULT_TENANT)

    async def ensure_web_keys(self) -> None:
        """Give each tenant the key of its links where it has none of this server's secret; a revoked one stays so."""
        for tenant in await self.list():
            await self.create_key(tenant.id, "publishable", WEB_KEY_NAME, key=self.web_key(tenant.id))

    async def get(self, id_or_name: str) -> TenantInfo:
        """A tenant by id or name.

        Raises:
            TenantNotFound: there is none.
        """
        async with self._db.reading() as session:
            tenant = await store.find_tenant(session, id_or_name)
        if tenant is None:
            raise TenantNotFound()
        return _info(tenant)

    async def list(self) -> Sequence[Tenant]:
        """All tenants."""
        async with self._db.reading() as session:
            return await store.list_tenants(session)

    def derived_key(self, kind: KeyKind, purpose: str) -> str:
        """A key that is the same each time for this server's secret; it is not valid until it is added."""
        digest = hmac.digest(self._secret, f"api-key:{kind}:{purpose}".encode(), "sha256")
        return PREFIXES[kind] + base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def derived_id(self, purpose: str) -> str:
        """An id that is the same each time for this server's secret."""
        return hmac.digest(self._secret, f"id:{purpose}".encode(), "sha256").hex()[:24]

    def web_key(self, tenant_id: str) -> str:
        """The publishable key that this tenant's links carry for the web client."""
        key = self._web_keys.get(tenant_id)
        if key is None:
            key = self._web_keys[tenant_id] = self.derived_key("publishable", f"web:{tenant_id}")
        return key

    async def create_key(self, tenant_id: str, kind: KeyKind, name: str, *, key: str | None = None) -> NewKey:
        """Add a key to a tenant; it is returned once and stored only as a hash. A key added before stays as it is."""
        raw = key or PREFIXES[kind] + secrets.token_urlsafe(32)
        row = _row(tenant_id, kind, name, raw)
        async with self._db.session() as session:
            if known := await store.add_key(session, row):
                return NewKey(known, raw, kind)
            await self._record("key.create", tenant_id, f"key:{row.id}")
        return NewKey(row.id, raw, kind)

    async def keys(self, tenant_id: str) -> Sequence[ApiKey]:
        """A tenant's keys, without the keys themselves."""
        await self._uses.write()
        async with self._db.reading() as session:
            return await store.list_keys(session, tenant_id)

    async def valid_keys(self, key_ids: Collection[str]) -> Mapping[str, TenantInfo]:
        """Those of the keys that are valid, each with its tenant, as the database has it at this moment."""
        if not key_ids:
            return {}
        async with self._db.reading() as session:
            found = await store.valid_keys(session, key_ids)
        return {key_id: _info(tenant) for key_id, tenant in found.items()}

    async def revoke_key(self, key_id: str) -> None:
        """Make a key invalid for good. Other processes notice when their cache runs out.

        Raises:
            ApiKeyNotFound: there is no such key.
        """
        watching = self._audit.watch("key.revoke", tenant_id=None, actor=OPERATOR, resource=f"key:{key_id}")
        async with watching as watched, self._db.session() as session:
            watched.tenant_id = await store.revoke_key(session, key_id, clock.now_ms())
            if watched.tenant_id is None:
                raise ApiKeyNotFound()
            await self._audit.done(watched)
        self._cache.clear()

    async def _record(self, action: str, tenant_id: str, resource: str) -> None:
        await self._audit.record(action, tenant_id=tenant_id, actor=OPERATOR, resource=resource)

    async def identify(self, key: str | None) -> KeyIdentity:
        """Whose key this is.

        Raises:
            InvalidApiKey: it is missing, unknown or revoked.
        """
        if not key or len(key) > 200:
            raise InvalidApiKey()
        digest = _digest(key)
        cached = self._cache.get(digest)
        if cached is not None and cached[0] > clock.monotonic():
            return cached[1]
        identity = await self._look_up(digest)
        if len(self._cache) >= CACHE_SIZE:
            self._cache.clear()
        self._cache[digest] = (clock.monotonic() + self._cache_seconds, identity)
        return identity

    async def _look_up(self, digest: str) -> KeyIdentity:
        key = await store.look_up_key(self._db, digest)
        if key is None or key.revoked_at is not None:
            self._cache.pop(digest, None)
            if key is not None:  # Its tenant's log tells who still uses it.
                set_origin(origin().known(key.tenant_id, f"key:{key.key_id}"))
            raise InvalidApiKey()
        self._uses.note(key.key_id)
        tenant = TenantInfo(key.tenant_id, key.tenant_name, key.package)
        return KeyIdentity(key.key_id, "secret" if key.kind == "secret" else "publishable", tenant)

    async def close(self) -> None:
        """Write what waits."""
        await self._uses.close()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _row(tenant_id: str, kind: KeyKind, name: str, key: str) -> ApiKey:
    hint = key[: len(PREFIXES[kind]) + 4] + "…"
    return ApiKey(
        id=new_id(), tenant_id=tenant_id, kind=kind, name=name, hash=_digest(key), hint=hint, created_at=clock.now_ms()
    )


def _info(tenant: Tenant) -> TenantInfo:
    return TenantInfo(tenant.id, tenant.name, tenant.package)
