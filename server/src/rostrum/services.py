"""The object graph, by hand, on one page: what exists once in a server and what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import structlog

from rostrum.auth import AuthService, TokenService
from rostrum.chat import ChatService
from rostrum.kit.db import Database
from rostrum.kit.events import EventBus
from rostrum.kit.ratelimit import RateLimiter
from rostrum.kit.realtime import Realtime
from rostrum.live import LiveService, SessionRecorder, Stage, Upkeep
from rostrum.meetings import MeetingService
from rostrum.rooms import RoomKeeper, RoomService
from rostrum.settings import Settings
from rostrum.sfu import SfuService, WorkerPool
from rostrum.tenants import TenantService
from rostrum.tenants.features import features_of

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
    keeper: RoomKeeper
    meetings: MeetingService
    realtime: Realtime
    live: LiveService
    stage: Stage
    sfu: SfuService
    chat: ChatService

    def by_class(self) -> Mapping[type, Any]:
        """Each service under its class, for the REST doors."""
        return {type(value): value for value in (getattr(self, field.name) for field in fields(self))}

    async def start(self) -> None:
        """Start what runs in the background; the tables exist already."""
        await self.tenants.default()
        await self.tenants.ensure_web_keys()
        await self.live.start()
        await self.sfu.start()

    async def drain(self) -> None:
        """Let go of the sockets in the way that makes clients come back, before the server stops."""
        await self.realtime.close()

    async def stop(self) -> None:
        """End everything, in the reverse order of the start; may be called after a start that failed."""
        await self.live.close()
        await self.sfu.close()
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
        return self.sfu.problems()


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
    keeper = RoomKeeper(db, rooms, auth, events)
    meetings = MeetingService(db, auth, rooms)
    realtime = Realtime(
        auth.authenticate_socket, allowed_origins=settings.allowed_origins, max_bytes=settings.max_signal_bytes
    )
    live = LiveService(
        realtime,
        rooms,
        events,
        SessionRecorder(db),
        grace_seconds=settings.peer_grace_seconds,
        ice_servers=settings.ice_servers,
        features_of=features_of,
    )
    stage = Stage(live)
    Upkeep(live, stage)
    pool = WorkerPool(
        count=settings.media_workers,
        binary=settings.engine_binary,
        port=settings.media_port,
        addresses=settings.media_addresses,
        announced=settings.announced_address,
        log_level=settings.engine_log_level,
    )
    sfu = SfuService(live, events, pool, consumers_per_worker=settings.consumers_per_worker)
    chat = ChatService(db, live, rooms, events, limits)
    return Services(
        settings, db, events, limits, tenants, tokens, auth, rooms, keeper, meetings, realtime, live, stage, sfu, chat
    )
