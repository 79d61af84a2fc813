"""The object graph, by hand, on one page: what exists once in a server and what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import structlog

from rostrum.auth import AuthService, TokenService
from rostrum.kit.db import Database
from rostrum.kit.events import EventBus
from rostrum.kit.ratelimit import RateLimiter
from rostrum.kit.realtime import Realtime
from rostrum.rooms import RoomService
from rostrum.settings import Settings
from rostrum.tenants import TenantService

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Services:
    """Everything that exists once, lower features first."""

    settings: Settings
    db: Database
    events: EventBus
    limits: RateLimiter
    tenants: TenantService
    tokens: TokenService
    auth: AuthService
    rooms: RoomService
    realtime: Realtime

    def by_class(self) -> Mapping[type, Any]:
        """Each service under its class, for the REST doors."""
        return {type(value): value for value in (getattr(self, field.name) for field in fields(self))}

    async def start(self) -> None:
        """Start what runs in the background; the tables exist already."""
        await self.tenants.default()

    async def drain(self) -> None:
        """Let go of the sockets in the way that makes clients come back, before the server stops."""
        await self.realtime.close()

    async def stop(self) -> None:
        """End everything, in the reverse order of the start; may be called after a start that failed."""
        self.auth.close()
        await self.db.close()

    async def problems(self) -> list[str]:
        """Why the server is not ready to serve; empty when it is."""
        try:
            async with self.db.reading() as session:
                await session.connection()
        except Exception:
            log.exception("readiness.database_failed")
            return ["the database does not answer"]
        return []


def build(settings: Settings) -> Services:
    """Make all services; nothing runs yet. The settings are prepared: their secret is filled in."""
    secret = settings.secret.get_secret_value()
    db = Database(settings.database)
    events = EventBus()
    limits = RateLimiter()
    tenants = TenantService(db, secret, cache_seconds=settings.api_key_cache_seconds)
    tokens = TokenService(
        secret, algorithm=settings.jwt_algorithm, issuer=settings.jwt_issuer, audience=settings.jwt_audience
    )
    auth = AuthService(db, tenants, tokens, limits, settings)
    rooms = RoomService(db, tenants, auth, limits, settings)
    realtime = Realtime(
        auth.authenticate_socket, allowed_origins=settings.allowed_origins, max_bytes=settings.max_signal_bytes
    )
    return Services(settings, db, events, limits, tenants, tokens, auth, rooms, realtime)
