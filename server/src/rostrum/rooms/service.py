"""The verbs of rooms: create, look at, enter, invite, grant."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import IntegrityError

from rostrum.audit import AuditService, Watched
from rostrum.auth import AuthService, JoinToken, Principal, RoomRole
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.errors import Forbidden, InvalidInput
from rostrum.kit.ids import new_id
from rostrum.kit.ratelimit import RateLimiter
from rostrum.rooms import store
from rostrum.rooms.directory import Entry, RoomDirectory
from rostrum.rooms.errors import InvalidRoomId, RoomExists, RoomNotFound
from rostrum.rooms.info import Admission, RoomInfo, info_of
from rostrum.rooms.models import Room
from rostrum.settings import Settings
from rostrum.tenants import TenantService

RoomType = Literal["meeting", "conference", "webinar", "live"]

_ROOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
P2P_PARTICIPANTS = 2
LONGEST_INVITATION_MS = 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class NewRoom:
    """What somebody wants a room to be, already validated."""

    name: str
    type: RoomType
    is_private: bool = False
    p2p: bool = False
    max_participants: int | None = None
    owner_id: str | None = None


class RoomService:
    """Knows durable rooms and who may do what in them.

    `live_among` is set by the live core, which stands above this feature.
    """

    def __init__(
        self,
        db: Database,
        tenants: TenantService,
        auth: AuthService,
        limits: RateLimiter,
        audit: AuditService,
        settings: Settings,
    ) -> None:
        self._db = db
        self._tenants = tenants
        self._auth = auth
        self._limits = limits
        self._audit = audit
        self._settings = settings
        self._directory = RoomDirectory(db)
        self.live_among: Callable[[Collection[str]], Awaitable[set[str]]] = _none_live

    async def create(self, principal: Principal, new: NewRoom, *, room_id: str | None = None) -> RoomInfo:
        """Make a room owned by the caller; a secret key may name a user of its tenant as the owner.

        Raises:
            Forbidden: the caller may not make rooms, or not for that owner.
            UserNotFound: the tenant has no such owner.
            RateLimited: too many rooms in too short a time.
            RoomExists: there is a room of this id.
        """
        async with self._audit.watch("room.create", tenant_id=principal.tenant_id, actor=principal.subject) as watched:
            room = await self._new_room(principal, new, room_id)
            watched.resource = f"room:{room.id}"
            try:
                async with self._db.session() as session:
                    session.add(room)
                    await session.flush()
                    await self._audit.done(watched)
            except IntegrityError as error:
                raise RoomExists() from error
        return info_of(room)

    async def _new_room(self, principal: Principal, new: NewRoom, room_id: str | None) -> Room:
        if not principal.may_create_rooms:
            raise Forbidden("Only users may make rooms.")
        if principal.kind != "tenant":
            await self._limits.hit(self._settings.room_limit_user, "room", principal.tenant_id, principal.subject)
        return Room(
            id=room_id or new_id(),
            tenant_id=principal.tenant_id,
            owner_id=await self._owner(principal, new.owner_id),
            name=new.name,
            type=new.type,
            is_private=new.is_private,
            open=principal.kind == "open",
            p2p=new.p2p,
            max_participants=capacity(new.max_participants, p2p=new.p2p),
            created_at=clock.now_ms(),
        )

    async def find_or_create(self, principal: Principal, new: NewRoom, *, room_id: str) -> RoomInfo:
        """The room with this id, made if there is none.

        Raises:
            Forbidden, UserNotFound, RateLimited: as `create`.
        """
        known = await self._directory.find(room_id)
        if known is None:
            try:
                return await self.create(principal, new, room_id=room_id)
            except RoomExists:  # Somebody else made it in this very moment.
                known = await self._directory.find(room_id)
                if known is None:
                    raise
        return known.room

    async def _owner(self, principal: Principal, wanted: str | None) -> str | None:
        if wanted is None or wanted == principal.subject:
            return None if principal.kind == "tenant" else principal.subject
        if not principal.acts_for_tenant:
            raise Forbidden("Only an administrator may make a room for somebody else.")
        return (await self._auth.user(principal.tenant_id, wanted)).id

    async def get(self, principal: Principal, room_id: str) -> RoomInfo:
        """A room that the caller may enter.

        Raises:
            RoomNotFound: there is none that the caller may know of.
        """
        return (await self._entry(principal, room_id))[0]

    async def look_into(self, principal: Principal, room_id: str) -> RoomInfo:
        """A room whose chat and files the caller may read: as `get`, for somebody who shows a token.

        A publishable key alone stands in every page, and a join token opens its own room and no other.

        Raises:
            UserRequired: the caller has a publishable key alone.
            RoomNotFound: there is none that the caller may know of.
        """
        principal.require_token()
        room = await self.get(principal, room_id)
        if principal.kind == "guest" and principal.room_id != room.id:
            raise RoomNotFound()
        return room

    async def admit(self, principal: Principal, room_id: str, *, name: str | None) -> Admission:
        """Let somebody into a room, or not.

        The owner, the tenant's administrators and its own backend are hosts. A role granted in the room counts next,
        then the role of an invitation; all others are viewers, and of a private room not even that. In a room that
        was made without a key everybody without a key is a co-host, since in the classic tutorials everybody may
        produce. `name` is only how the others see somebody.

        Raises:
            RoomNotFound: there is none that the caller may know of.
        """
        if principal.kind == "open" and _ROOM_ID.fullmatch(room_id):
            await self.ensure(principal, room_id)
        room, role = await self._entry(principal, room_id)
        return Admission(room, role, principal.subject, await self._display_name(principal, name))

    async def ensure(self, principal: Principal, room_id: str) -> tuple[RoomInfo, bool]:
        """The room with this id, made for the caller if no tenant has it; tells whether it was made now.

        Raises:
            InvalidRoomId: the id has a form that no room may have.
            RoomNotFound: it exists where the caller may not know of it, or does not and the caller may not make it.
        """
        if not _ROOM_ID.fullmatch(room_id):
            raise InvalidRoomId()
        exists = await self._directory.find(room_id) is not None
        if exists or not principal.may_create_rooms:
            return await self.get(principal, room_id), False
        try:
            return await self.create(principal, NewRoom(name=room_id, type="meeting"), room_id=room_id), True
        except RoomExists:  # Somebody else made it in this very moment.
            return await self.get(principal, room_id), False

    async def _entry(self, principal: Principal, room_id: str) -> tuple[RoomInfo, RoomRole]:
        """The room and the caller's role in it."""
        entry = await self._directory.find(room_id) if _ROOM_ID.fullmatch(room_id) else None
        if entry is None or entry.room.tenant_id != principal.tenant_id:
            raise RoomNotFound()
        role = _role(principal, entry)
        if role is None:
            raise RoomNotFound()
        return entry.room, role

    async def _display_name(self, principal: Principal, wanted: str | None) -> str:
        clean = "".join(char for char in (wanted or principal.name or "") if char.isprintable()).strip()[:100]
        if clean or principal.user_id is None:
            return clean or "Guest"
        return (await self._auth.user(principal.tenant_id, principal.user_id)).name

    async def require_host(self, principal: Principal, room_id: str) -> RoomInfo:
        """The room, if the caller is a host of it.

        Raises:
            RoomNotFound: there is none that the caller may know of.
            Forbidden: the caller may enter, but is no host.
        """
        room, role = await self._entry(principal, room_id)
        if role != "host":
            raise Forbidden("Only a host of the room may do this.")
        return room

    async def require_owner(self, principal: Principal, room_id: str) -> RoomInfo:
        """The room, if the caller owns it or acts for its tenant; an invited host does not own it.

        Raises:
            RoomNotFound: there is none that the caller may know of.
            Forbidden: the caller may enter, but does not own it.
        """
        room, _role = await self._entry(principal, room_id)
        if not principal.acts_for_tenant and room.owner_id != principal.subject:
            raise Forbidden("Only the owner of the room may do this.")
        return room

    async def invite(
        self, principal: Principal, room_id: str, role: RoomRole, *, name: str | None, expires_at: int | None
    ) -> tuple[JoinToken, str]:
        """Make an invitation to a room and the link that carries it; `expires_at` in milliseconds since 1970.

        Raises:
            RoomNotFound, Forbidden: as `require_host`.
            RateLimited: too many in too short a time.
            InvalidInput: the end lies in the past or more than a year ahead.
        """
        async with self._audit.watch(
            "room.invite",
            tenant_id=principal.tenant_id,
            actor=principal.subject,
            resource=f"room:{room_id}/role:{role}",
        ):
            room = await self.require_host(principal, room_id)
            if principal.kind != "tenant":
                await self._limits.hit(self._settings.invite_limit_user, "invite", principal.subject)
            seconds = self._seconds_until(expires_at)
        token = self._auth.tokens.join(room.tenant_id, room.id, role, name=name, seconds=seconds)
        return token, self.join_url(room, token.token)

    def _seconds_until(self, expires_at: int | None) -> int:
        if expires_at is not None:
            lifetime = expires_at - clock.now_ms()
            if not 1000 <= lifetime <= LONGEST_INVITATION_MS:
                raise InvalidInput(errors=[{"field": "expiresAt", "msg": "must lie within the coming year"}])
            return lifetime // 1000
        return self._settings.join_token_seconds

    async def guest_token(self, principal: Principal, room_id: str, name: str, *, address: str) -> JoinToken:
        """A viewer's token for a room that is not private.

        Raises:
            RoomNotFound: there is no such room, or it is private and the caller has no way in.
            RateLimited: too many from this network address.
        """
        async with self._audit.watch(
            "room.guest_token", tenant_id=principal.tenant_id, actor=principal.subject, resource=f"room:{room_id}"
        ):
            await self._limits.hit(self._settings.guest_limit_address, "guest", address)
            room = await self.get(principal, room_id)
            if room.is_private:
                raise RoomNotFound()
        seconds = self._settings.join_token_seconds
        return self._auth.tokens.join(room.tenant_id, room.id, "viewer", name=name, seconds=seconds)

    def join_url(self, room: RoomInfo, token: str | None = None) -> str:
        """A link into a room. Key and token stand in the fragment, which browsers send to no server."""
        link = f"{self._settings.url}/join/{room.id}#k={self._tenants.web_key(room.tenant_id)}"
        return f"{link}&t={token}" if token else link

    async def grant(
        self, room_id: str, subject: str, role: RoomRole, *, live: bool = False, watched: Watched | None = None
    ) -> None:
        """Grant somebody a lasting role in a room; it replaces an earlier one. `watched`: whose success this is.

        Raises:
            RoomNotFound: the room was deleted at this moment.
        """
        try:
            async with self._db.session() as session:
                await store.put_grant(session, room_id, subject, role, live=live, now=clock.now_ms())
                if watched is not None:
                    await self._audit.done(watched)
        except IntegrityError as error:
            raise RoomNotFound() from error
        self._directory.forget(room_id)

    async def revoke(self, room_id: str, subject: str, *, watched: Watched) -> bool:
        """Take a lasting role away; tells whether there was one. `watched`: whose success this is."""
        async with self._db.session() as session:
            revoked = await store.delete_grant(session, room_id, subject, live=False)
            await self._audit.done(watched)
        self._directory.forget(room_id)
        return revoked

    def forget(self, room_id: str) -> None:
        """The room has changed, and the change is committed: look it up anew."""
        self._directory.forget(room_id)

    async def current(self, room_id: str) -> tuple[RoomInfo, Mapping[str, RoomRole]] | None:
        """A room as the database has it now, and what was granted in its running session; None when it is gone."""
        self._directory.forget(room_id)
        entry = await self._directory.find(room_id)
        return None if entry is None else (entry.room, entry.live)

    async def grant_live_role(
        self, room_id: str, subject: str, role: RoomRole, *, watched: Watched | None = None
    ) -> None:
        """Grant somebody a role (`viewer` takes one away) until the room's session ends; survives a restart."""
        await self.grant(room_id, subject, role, live=True, watched=watched)

    async def live_roles(self, room_id: str) -> Mapping[str, RoomRole]:
        """Subject → role, of all that were granted in the running session."""
        entry = await self._directory.find(room_id)
        return entry.live if entry else {}

    async def clear_live_roles(self, room_id: str) -> None:
        """Forget what was granted in the session that has ended."""
        async with self._db.session() as session:
            await store.clear_live_grants(session, room_id)
        self._directory.forget(room_id)


async def _none_live(_rooms: Collection[str]) -> set[str]:
    return set()


def _role(principal: Principal, entry: Entry) -> RoomRole | None:
    """The caller's role in a room of the caller's tenant; None: the caller may not even know of it."""
    room = entry.room
    if principal.room_id is not None and principal.room_id != room.id:
        return None  # A join token opens its own room and no other.
    if principal.acts_for_tenant or room.owner_id == principal.subject:
        return "host"
    granted = entry.granted(principal.subject) or principal.room_role
    if granted is not None:
        return granted
    if room.open and principal.kind == "open":
        return "cohost"
    return None if room.is_private else "viewer"


def capacity(wanted: int | None, *, p2p: bool) -> int | None:
    """How many a room takes: what was wanted, but never more than two from peer to peer."""
    return min(wanted or P2P_PARTICIPANTS, P2P_PARTICIPANTS) if p2p else wanted
