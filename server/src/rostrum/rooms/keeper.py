"""What an owner does with rooms: list them, change them, delete them, name co-hosts for good."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from rostrum.audit import AuditService, Watched
from rostrum.auth import AuthService, Principal, RoomRole
from rostrum.kit.db import Database
from rostrum.kit.events import EventBus
from rostrum.kit.pagination import Position
from rostrum.rooms import store
from rostrum.rooms.errors import RoomNotFound
from rostrum.rooms.events import LastingRoleChanged, RoomChanged, RoomDeleted
from rostrum.rooms.info import RoomFilter, RoomInfo, info_of
from rostrum.rooms.models import Room
from rostrum.rooms.service import RoomService, capacity


@dataclass(frozen=True, slots=True)
class RoomChange:
    """What shall be different; None leaves a thing as it is. `sized`: `max_participants` counts, None is no limit."""

    name: str | None = None
    is_private: bool | None = None
    max_participants: int | None = None
    sized: bool = False


class RoomKeeper:
    """The verbs of a room's owner, of the tenant's administrators and of its backend."""

    def __init__(
        self, db: Database, rooms: RoomService, auth: AuthService, events: EventBus, audit: AuditService
    ) -> None:
        self._db = db
        self._rooms = rooms
        self._auth = auth
        self._events = events
        self._audit = audit

    async def list(
        self, principal: Principal, wanted: RoomFilter, *, limit: int, after: Position | None
    ) -> tuple[Sequence[RoomInfo], Position | None]:
        """The caller's rooms that are as wanted, of the whole tenant for whoever acts for it, and the next page."""
        if not principal.acts_for_tenant:
            if wanted.owner_id not in (None, principal.subject):
                return [], None  # Whether somebody else has any is not the caller's to know.
            wanted = replace(wanted, owner_id=principal.subject)
        rows = await store.page(self._db, principal.tenant_id, wanted, limit=limit + 1, after=after)
        page = rows[:limit]
        return page, Position(page[-1].created_at, page[-1].id) if len(rows) > limit else None

    async def change(self, principal: Principal, room_id: str, wish: RoomChange) -> RoomInfo:
        """Change a room; a session that runs in it goes by it at once.

        Raises:
            RoomNotFound: there is none that the caller may know of.
            Forbidden: the caller may enter, but does not own it.
        """
        async with self._watch("room.change", principal, f"room:{room_id}") as watched:
            await self._rooms.require_owner(principal, room_id)
            async with self._db.session() as session:
                room = _found(await store.locked(session, room_id))
                _apply(room, wish)
                await self._audit.done(watched)
        info = info_of(room)
        self._rooms.forget(room_id)
        await self._events.publish(RoomChanged(info))
        return info

    async def delete(self, principal: Principal, room_id: str) -> None:
        """Delete a room with its chat and its grants; a session that runs in it ends.

        Raises:
            RoomNotFound, Forbidden: as `change`.
        """
        async with self._watch("room.delete", principal, f"room:{room_id}") as watched:
            info = await self._rooms.require_owner(principal, room_id)
            async with self._db.session() as session:
                await session.delete(_found(await store.locked(session, room_id)))
                await self._audit.done(watched)
        self._rooms.forget(room_id)
        await self._events.publish(RoomDeleted(info))

    async def add_cohost(self, principal: Principal, room_id: str, user_id: str) -> None:
        """Make a user of the tenant a co-host for good; done twice, it is done once.

        Raises:
            RoomNotFound, Forbidden: as `change`.
            UserNotFound: the tenant has no such user.
        """
        async with self._watch("role.change", principal, f"room:{room_id}/subject:{user_id}/role:cohost") as watched:
            info = await self._rooms.require_owner(principal, room_id)
            user = await self._auth.user(principal.tenant_id, user_id)
            if user.id == info.owner_id:  # The owner is a host already.
                return
            await self._rooms.grant(room_id, user.id, "cohost", watched=watched)
        await self._announce(info, user.id, "cohost")

    async def remove_cohost(self, principal: Principal, room_id: str, user_id: str) -> None:
        """Take the lasting role away; who has none keeps none.

        Raises:
            RoomNotFound, Forbidden: as `change`.
        """
        async with self._watch("role.change", principal, f"room:{room_id}/subject:{user_id}/role:viewer") as watched:
            info = await self._rooms.require_owner(principal, room_id)
            revoked = await self._rooms.revoke(room_id, user_id, watched=watched)
        if revoked:
            await self._announce(info, user_id, "viewer")

    def _watch(self, action: str, principal: Principal, resource: str) -> AbstractAsyncContextManager[Watched]:
        return self._audit.watch(action, tenant_id=principal.tenant_id, actor=principal.subject, resource=resource)

    async def _announce(self, room: RoomInfo, subject: str, role: RoomRole) -> None:
        await self._events.publish(LastingRoleChanged(room, subject, role))


def _found(room: Room | None) -> Room:
    if room is None:  # Deleted by somebody else since the caller's right to it was looked up.
        raise RoomNotFound()
    return room


def _apply(room: Room, wish: RoomChange) -> None:
    if wish.name is not None:
        room.name = wish.name
    if wish.is_private is not None:
        room.is_private = wish.is_private
    if wish.sized:
        room.max_participants = capacity(wish.max_participants, p2p=room.p2p)
