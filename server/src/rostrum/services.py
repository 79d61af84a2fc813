"""The object graph, by hand, on one page: what exists once in a server and what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rostrum.audit import AuditService, Shipper
from rostrum.auth import AccountService, AuthService, Principal, TokenService
from rostrum.auth.sockets import SessionSockets
from rostrum.chat import ChatService
from rostrum.chat.personal import ChatOfUser
from rostrum.files import FileService
from rostrum.files.personal import FilesOfUser
from rostrum.kit.bus import Bus, RedisBus
from rostrum.kit.cluster import Cluster, RedisCluster
from rostrum.kit.db import Database
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.kit.dbpool import Pool
from rostrum.kit.events import EventBus
from rostrum.kit.mail import Mailer, Post
from rostrum.kit.ratelimit import RateLimiter
from rostrum.kit.realtime import Realtime
from rostrum.live import LiveService, Reactions, SessionRecorder, Stage, Upkeep
from rostrum.live.personal import SessionsOfUser
from rostrum.meetings import MeetingService
from rostrum.meetings.personal import MeetingsOfUser
from rostrum.rooms import RoomKeeper, RoomService
from rostrum.rooms.personal import RoomsOfUser
from rostrum.settings import Settings
from rostrum.sfu import SfuService, WorkerPool
from rostrum.storage import ObjectStorage
from rostrum.tenants import TenantService
from rostrum.tenants.features import features_of
from rostrum.trail import AuditTrail


@dataclass(frozen=True)
class Services:
    """Everything that exists once, lower features first."""

    settings: Settings
    db: Database
    events: EventBus
    bus: Bus
    cluster: Cluster
    limits: RateLimiter
    audit: AuditService
    tenants: TenantService
    tokens: TokenService
    auth: AuthService
    account: AccountService
    rooms: RoomService
    keeper: RoomKeeper
    meetings: MeetingService
    storage: ObjectStorage
    files: FileService
    realtime: Realtime
    sockets: SessionSockets
    trail: AuditTrail
    live: LiveService
    stage: Stage
    reactions: Reactions
    upkeep: Upkeep
    sfu: SfuService
    chat: ChatService

    def by_class(self) -> Mapping[type, Any]:
        """Each service under its class, for the REST doors."""
        return {type(value): value for value in (getattr(self, field.name) for field in fields(self))}

    async def start(self) -> None:
        """Start what runs in the background; the tables exist already.

        Whatever asks the database comes first, so that a start that failed for its sake can be tried again.
        """
        await self.tenants.default()
        await self.tenants.ensure_web_keys()
        await self.storage.start()
        await self.files.start()
        await self.bus.start()
        await self.cluster.start()
        self.realtime.start()
        await self.live.start()
        await self.sockets.start()
        await self.sfu.start()

    async def drain(self) -> None:
        """Let go of the sockets in the way that makes clients come back, before the server stops."""
        try:
            await self.cluster.retire()
        finally:
            await self.realtime.close()

    async def stop(self) -> None:
        """End everything, in the reverse order of the start; may be called after a start that failed."""
        await self.sockets.close()
        await self.chat.close()
        await self.live.close()
        await self.realtime.close()
        await self.cluster.close()
        await self.bus.close()
        await self.upkeep.close()
        await self.sfu.close()
        await self.account.close()
        self.auth.close()
        await self.audit.close()
        await self.tenants.close()
        await self.db.close()

    async def problems(self) -> list[str]:
        """Why the server is not ready to serve; empty when it is."""
        try:
            await self.db.ping()
        except DatabaseUnavailable:
            return ["the database does not answer"]
        return [problem for problem in (self.bus.problem(), *self.sfu.problems()) if problem]


def build(settings: Settings) -> Services:
    """Make all services; nothing runs yet. The settings are prepared: their secret is filled in."""
    secret = settings.secret.get_secret_value()
    db = Database(settings.database, pool=_pool(settings))
    events = EventBus()
    redis_url = settings.redis_url.get_secret_value()
    bus = RedisBus(redis_url) if redis_url else Bus()
    cluster = RedisCluster(bus, redis_url) if redis_url else Cluster(bus)
    limits = RateLimiter(redis_url)
    # A peer lives on one node, so that what it may do there is counted there.
    limits_of_peers = RateLimiter()
    audit = AuditService(db, Shipper(settings.audit_log))
    tenants = TenantService(db, secret, audit, cache_seconds=settings.api_key_cache_seconds)
    tokens = TokenService(
        secret, algorithm=settings.jwt_algorithm, issuer=settings.jwt_issuer, audience=settings.jwt_audience
    )
    auth = AuthService(db, tenants, tokens, limits, audit, settings)
    account = AccountService(db, tenants, auth, limits, events, audit, Mailer(_post(settings)), settings)
    rooms = RoomService(db, tenants, auth, limits, audit, settings)
    keeper = RoomKeeper(db, rooms, auth, events, audit)
    meetings = MeetingService(db, auth, rooms, audit)
    storage = ObjectStorage(settings.data_dir)
    files = FileService(db, rooms, storage, events, limits, audit, settings)
    realtime = Realtime(
        auth.authenticate_socket,
        allowed_origins=settings.allowed_origins,
        max_bytes=settings.max_signal_bytes,
        most=settings.max_sockets,
        most_per_address=settings.max_sockets_per_address,
    )
    if not cluster.is_alone:
        realtime.span(bus, cluster, Principal)
    live = LiveService(
        realtime,
        rooms,
        events,
        SessionRecorder(db, bus.node),
        db,
        cluster,
        grace_seconds=settings.peer_grace_seconds,
        ice_servers=settings.ice_servers,
        features_of=features_of,
    )
    stage = Stage(live, audit)
    reactions = Reactions(live.notifier, events, limits_of_peers, limit=settings.reaction_limit_peer)
    upkeep = Upkeep(live, stage, bus, cluster)
    pool = WorkerPool(
        count=settings.media_workers,
        binary=settings.engine_binary,
        port=settings.media_port,
        addresses=settings.media_addresses,
        announced=settings.announced_address,
        log_level=settings.engine_log_level,
    )
    sfu = SfuService(live, events, pool, consumers_per_worker=settings.consumers_per_worker)
    sockets = SessionSockets(realtime, events, tenants, auth.standings, bus)
    trail = AuditTrail(audit, realtime)
    account.personal += [
        MeetingsOfUser(db),
        RoomsOfUser(db, rooms),
        SessionsOfUser(db),
        FilesOfUser(db),
        ChatOfUser(db),
    ]
    chat = ChatService(
        db,
        live,
        rooms,
        files,
        events,
        limits_of_peers,
        audit,
        limit=settings.chat_limit_peer,
        batch=settings.chat_batch,
    )
    return Services(
        settings,
        db,
        events,
        bus,
        cluster,
        limits,
        audit,
        tenants,
        tokens,
        auth,
        account,
        rooms,
        keeper,
        meetings,
        storage,
        files,
        realtime,
        sockets,
        trail,
        live,
        stage,
        reactions,
        upkeep,
        sfu,
        chat,
    )


def _pool(settings: Settings) -> Pool:
    return Pool(
        settings.database_connections,
        settings.database_wait_seconds,
        settings.database_connect_seconds,
        settings.database_statement_seconds,
    )


def _post(settings: Settings) -> Post:
    return Post(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_user,
        settings.smtp_password.get_secret_value(),
        settings.smtp_sender,
    )
