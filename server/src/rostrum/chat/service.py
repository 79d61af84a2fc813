"""The verbs of chat: send, replay, page through."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.audit import AuditService
from rostrum.auth import Principal
from rostrum.chat import store
from rostrum.chat.errors import EmptyMessage, MessageTooLong
from rostrum.chat.history import KEPT, History
from rostrum.chat.models import ChatMessage
from rostrum.chat.schemas import ChatFile, MessageInfo, SendMessage, file_body
from rostrum.files import FileService
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.errors import FeatureDisabled, InvalidInput
from rostrum.kit.events import EventBus
from rostrum.kit.groupcommit import GroupCommit
from rostrum.kit.ids import new_id
from rostrum.kit.ratelimit import RateLimiter
from rostrum.live import Contributor, LiveRoom, LiveService, Part, Peer, RemovedFromRoom, RoomClosed, sender
from rostrum.rooms import RoomService
from rostrum.rooms.errors import RoomNotFound

LONGEST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way to disk, and whom to tell of it then."""

    message: MessageInfo
    subject: str
    peer: Peer
    history: History
    sender: dict[str, Any]

    @property
    def key(self) -> store.Key:
        """What makes it the same message when it is sent again."""
        return self.message.room_id, self.subject, self.message.client_id

    def row(self) -> dict[str, Any]:
        """The row of the table, but for its position."""
        message = self.message
        return {
            "id": message.id,
            "room_id": message.room_id,
            "subject": self.subject,
            "peer_id": message.peer_id,
            "name": message.name,
            "message": message.message,
            "file": msgspec.json.encode(message.file).decode() if message.file else None,
            "client_id": message.client_id,
            "created_at": message.timestamp,
        }


class ChatService(Contributor):
    """Chat of live rooms. The last messages of a live room are kept in memory for those who join.

    Args:
        limit: how many messages a peer may send, as kit.ratelimit writes it.
        batch: most messages that one transaction takes.
    """

    def __init__(
        self,
        db: Database,
        live: LiveService,
        rooms: RoomService,
        files: FileService,
        events: EventBus,
        limits: RateLimiter,
        audit: AuditService,
        *,
        limit: str,
        batch: int,
    ) -> None:
        self._db = db
        self._audit = audit
        self._live = live
        self._rooms = rooms
        self._files = files
        self._limits = limits
        self._limit = limit
        self._writer = GroupCommit[Draft, MessageInfo](db, _write, self._tell, largest=batch)
        self._histories: dict[LiveRoom, asyncio.Task[History]] = {}
        live.answers.contribute(self)
        events.subscribe(RoomClosed, self._on_room_closed)

    async def close(self) -> None:
        """Store what is on its way; nothing more is taken."""
        await self._writer.close()

    async def send(self, peer: Peer, request: SendMessage, *, files: bool) -> MessageInfo:
        """Store a message; the room is told once it is on disk. Sent again with its client id, it is the same message.

        Raises:
            EmptyMessage, MessageTooLong, RateLimited.
            FeatureDisabled: it has a file and the tenant's package has no files in chat.
            InvalidInput, FileNotFound: its file is none of this room.
            RoomNotFound: the room has just been deleted.
            TooManyWaiting, DatabaseUnavailable: it is not stored, or nobody knows; to send it again does no harm.
        """
        text = request.message.strip()
        if not text and request.file is None:
            raise EmptyMessage()
        if len(text.encode("utf-8", "surrogatepass")) > LONGEST_BYTES:
            raise MessageTooLong()
        if request.file is not None and not files:
            raise FeatureDisabled()
        await self._limits.hit(self._limit, "chat", peer.id)
        file = await self._file(peer.room.id, request.file)
        history = await self._history(peer.room)
        message = MessageInfo(
            id=new_id(),
            room_id=peer.room.id,
            name=peer.name[:100],
            peer_id=peer.id,
            message=text,
            timestamp=clock.now_ms(),
            file=file,
            client_id=request.client_id,
        )
        try:
            return await self._writer.store(Draft(message, peer.subject[:64], peer, history, sender(peer)))
        except IntegrityError:
            # The one thing that a message refers to: its room was deleted at this moment.
            raise RoomNotFound() from None

    async def _file(self, room_id: str, wanted: ChatFile | str | None) -> dict[str, Any] | None:
        if wanted is None:
            return None
        name = wanted if isinstance(wanted, str) else wanted.id or wanted.filename
        if not name:
            raise InvalidInput(errors=[{"field": "file", "msg": "needs the filename or the id of a file of this room"}])
        return file_body(await self._files.find(room_id, name))

    def _tell(self, draft: Draft, message: MessageInfo) -> None:
        """The message is on disk: whoever does not know it yet hears of it."""
        room = draft.peer.room
        if draft.history.add(message):
            body = {**message.body(), **draft.sender, "name": message.name}
            encoded = msgspec.Raw(msgspec.json.encode(body))
            # The classic clients listen to either name.
            for event in ("message", "sendMessage"):
                self._live.notifier.room(room, event, encoded, skip=draft.peer)

    async def page(
        self, principal: Principal, room_id: str, *, limit: int, before: int | None
    ) -> tuple[list[MessageInfo], int | None]:
        """Messages of a room that the caller may enter, the newest first, and the position to go on before.

        Raises:
            UserRequired: the caller has a publishable key alone.
            RoomNotFound: there is no room that the caller may know of.
            RemovedFromRoom: a host has removed the caller.
        """
        room = await self._rooms.look_into(principal, room_id)
        if await self._live.open_rooms.has_removed(room.id, principal.subject):
            raise RemovedFromRoom()
        async with self._db.reading() as session:
            rows = await store.latest(session, room.id, limit=limit + 1, before=before)
        await self._audit.record(
            "chat.read", tenant_id=principal.tenant_id, actor=principal.subject, resource=f"room:{room.id}"
        )
        page = [_info(row) for row in rows[:limit]]
        return page, page[-1].position if len(rows) > limit else None

    async def join_part(self, peer: Peer, media: dict[str, Any] | None) -> Part:
        """The last messages, oldest first, and where the page before them begins."""
        history = await self._history(peer.room)
        return lambda: {"chatHistory": history.bodies, "chatCursor": history.cursor}

    async def _history(self, room: LiveRoom) -> History:
        """The last messages of a live room; read once, by whoever needs them first."""
        task = self._histories.get(room)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._histories[room] = asyncio.ensure_future(self._load(room.id))
        return await asyncio.shield(task)

    async def _load(self, room_id: str) -> History:
        return History(await self._latest(room_id))

    async def _latest(self, room_id: str) -> list[MessageInfo]:
        """The last messages, oldest first."""
        async with self._db.reading() as session:
            rows = await store.latest(session, room_id, limit=KEPT)
        return [_info(row) for row in reversed(rows)]

    async def _on_room_closed(self, fact: RoomClosed) -> None:
        self._histories.pop(fact.room, None)


async def _write(session: AsyncSession, drafts: Sequence[Draft]) -> list[MessageInfo]:
    """Insert the messages; the ones that were there already come back as they are stored."""
    positions = await store.insert_new(session, [draft.row() for draft in drafts])
    missing = [draft.key for draft in drafts if draft.message.id not in positions]
    known = await store.by_keys(session, missing) if missing else {}
    return [
        msgspec.structs.replace(draft.message, position=positions[draft.message.id])
        if draft.message.id in positions
        else _info(known[draft.key])
        for draft in drafts
    ]


def _info(row: ChatMessage) -> MessageInfo:
    return MessageInfo(
        id=row.id,
        room_id=row.room_id,
        name=row.name,
        peer_id=row.peer_id,
        message=row.message,
        timestamp=row.created_at,
        file=msgspec.json.decode(row.file) if row.file else None,
        client_id=row.client_id,
        position=row.position,
    )
