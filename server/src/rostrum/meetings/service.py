"""The verbs of meetings: create, change, look at, list."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from rostrum.audit import AuditService, Watched
from rostrum.auth import AuthService, Principal
from rostrum.auth.errors import UserNotFound
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.errors import FeatureDisabled, Forbidden, InvalidInput
from rostrum.kit.ids import new_id
from rostrum.kit.pagination import Position
from rostrum.meetings import store
from rostrum.meetings.errors import MeetingNotFound, TooManyRecordings
from rostrum.meetings.info import MeetingInfo, info_of
from rostrum.meetings.models import Meeting
from rostrum.rooms import NewRoom, RoomService
from rostrum.rooms.errors import RoomNotFound

MOST_RECORDINGS = 1000
ROOM_NAME = 100


@dataclass(frozen=True, slots=True)
class NewMeeting:
    """What somebody wants a meeting to be, already validated."""

    title: str
    host_id: str
    transcript_enabled: bool
    room_id: str | None = None
    scheduled_at: int | None = None
    duration_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class MeetingChange:
    """What shall be different; None leaves a thing as it is. `user_id`: on whose behalf; `recording_id` is added."""

    user_id: str | None = None
    room_id: str | None = None
    recording_id: str | None = None
    title: str | None = None
    summary_generated: bool | None = None
    transcript_enabled: bool | None = None
    scheduled_at: int | None = None
    duration_minutes: int | None = None


class MeetingService:
    """Knows meetings and who may do what with them."""

    def __init__(self, db: Database, auth: AuthService, rooms: RoomService, audit: AuditService) -> None:
        self._db = db
        self._audit = audit
        self._auth = auth
        self._rooms = rooms

    async def create(self, principal: Principal, new: NewMeeting) -> MeetingInfo:
        """Make a meeting, and a webinar's room for it unless one is given.

        Raises:
            Forbidden: the host is somebody else, or the room is not the caller's to use.
            UserNotFound, RoomNotFound: the tenant has no such host or room.
            FeatureDisabled: transcripts are outside of the tenant's package.
            RateLimited: too many rooms in too short a time.
        """
        who = {"tenant_id": principal.tenant_id, "actor": principal.subject}
        async with self._audit.watch("meeting.create", **who) as watched:
            return await self._create(watched, principal, new)

    async def _create(self, watched: Watched, principal: Principal, new: NewMeeting) -> MeetingInfo:
        if not principal.acts_for_tenant and new.host_id != principal.subject:
            raise Forbidden("Only an administrator may make a meeting for somebody else.")
        _check_package(principal, new.transcript_enabled)
        await self._auth.user(principal.tenant_id, new.host_id)
        if new.room_id is not None:
            await self._rooms.require_host(principal, new.room_id)
        try:
            async with self._db.session() as session:  # Room and meeting are there together or not at all.
                room_id = new.room_id or await self._make_room(principal, new)
                await session.flush()  # The meeting refers to the room's row.
                meeting = _row(principal.tenant_id, new, room_id)
                session.add(meeting)
                watched.resource = f"meeting:{meeting.id}"
                await self._audit.done(watched)
        except IntegrityError as error:  # The room was deleted in this very moment.
            raise RoomNotFound() from error
        return info_of(meeting)

    async def _make_room(self, principal: Principal, new: NewMeeting) -> str:
        wish = NewRoom(name=new.title[:ROOM_NAME], type="webinar", owner_id=new.host_id)
        return (await self._rooms.create(principal, wish)).id

    async def update(self, principal: Principal, meeting_id: str, change: MeetingChange) -> MeetingInfo:
        """Change a meeting. A secret key has to say on behalf of which user; a user can only be oneself.

        Raises:
            InvalidInput: a secret key names no user.
            Forbidden: a user names another one, or the room is not the caller's to use.
            MeetingNotFound, RoomNotFound, UserNotFound: there is none that the caller may know of.
            FeatureDisabled: transcripts are outside of the tenant's package.
            TooManyRecordings: it has a thousand.
        """
        who = {"tenant_id": principal.tenant_id, "actor": principal.subject}
        async with self._audit.watch("meeting.change", **who, resource=f"meeting:{meeting_id}") as watched:
            return await self._update(watched, principal, meeting_id, change)

    async def _update(
        self, watched: Watched, principal: Principal, meeting_id: str, change: MeetingChange
    ) -> MeetingInfo:
        reaches_all, host_id = await self._on_behalf(principal, change.user_id)
        _check_package(principal, change.transcript_enabled)
        if change.room_id is not None:
            await self._rooms.require_host(principal, change.room_id)
        try:
            async with self._db.session() as session:
                meeting = await store.locked(session, principal.tenant_id, meeting_id)
                if meeting is None or not (reaches_all or meeting.host_id == host_id):
                    raise MeetingNotFound()
                _apply(meeting, change)
                await self._audit.done(watched)
        except IntegrityError as error:
            raise RoomNotFound() from error
        return info_of(meeting)

    async def _on_behalf(self, principal: Principal, user_id: str | None) -> tuple[bool, str]:
        """Whether all meetings of the tenant are in reach, and else whose are."""
        if principal.kind != "tenant":
            if user_id not in (None, principal.subject) and not principal.is_admin:
                raise Forbidden("Only an administrator may change a meeting for somebody else.")
            return principal.is_admin, principal.subject
        if user_id is None:
            raise InvalidInput(errors=[{"field": "userId", "msg": "is required with a secret key"}])
        user = await self._auth.user(principal.tenant_id, user_id)
        return "admin" in user.roles, user.id

    async def get(self, principal: Principal, meeting_id: str) -> MeetingInfo:
        """A meeting that the caller hosts; whoever acts for the tenant sees all of it.

        Raises:
            MeetingNotFound: there is none that the caller may know of.
        """
        meeting = await store.by_id(self._db, principal.tenant_id, meeting_id)
        if meeting is None or not (principal.acts_for_tenant or meeting.host_id == principal.subject):
            raise MeetingNotFound()
        return meeting

    async def list(
        self, principal: Principal, host_id: str, *, limit: int, after: Position | None
    ) -> tuple[Sequence[MeetingInfo], Position | None]:
        """The meetings of a host, the newest first, and where the next page begins.

        Raises:
            UserNotFound: the tenant has no such user, or it is somebody else's affair.
        """
        if not principal.acts_for_tenant and host_id != principal.subject:
            raise UserNotFound()
        if host_id != principal.user_id:  # Who calls exists.
            await self._auth.user(principal.tenant_id, host_id)
        rows = await store.page(self._db, principal.tenant_id, host_id, limit=limit + 1, after=after)
        page = rows[:limit]
        return page, Position(page[-1].created_at, page[-1].id) if len(rows) > limit else None


def _check_package(principal: Principal, transcript_enabled: bool | None) -> None:
    if transcript_enabled and principal.package != "professional":
        raise FeatureDisabled(feature="transcription")


def _row(tenant_id: str, new: NewMeeting, room_id: str) -> Meeting:
    return Meeting(
        id=new_id(),
        tenant_id=tenant_id,
        host_id=new.host_id,
        room_id=room_id,
        title=new.title,
        transcript_enabled=new.transcript_enabled,
        summary_generated=False,
        recording_ids=[],
        scheduled_at=new.scheduled_at,
        duration_minutes=new.duration_minutes,
        created_at=clock.now_ms(),
    )


CHANGEABLE = ("room_id", "title", "summary_generated", "transcript_enabled", "scheduled_at", "duration_minutes")


def _apply(meeting: Meeting, change: MeetingChange) -> None:
    for name in CHANGEABLE:
        value = getattr(change, name)
        if value is not None:
            setattr(meeting, name, value)
    if change.recording_id is None or change.recording_id in meeting.recording_ids:
        return
    if len(meeting.recording_ids) >= MOST_RECORDINGS:
        raise TooManyRecordings()
    meeting.recording_ids = [*meeting.recording_ids, change.recording_id]  # A new list, or no change would be seen.
