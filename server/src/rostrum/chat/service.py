"""The verbs of chat: send, replay, page through."""

import asyncio
from collections import deque
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError

from rostrum.auth import Principal
from rostrum.chat import store
from rostrum.chat.errors import EmptyMessage, MessageTooLong
from rostrum.chat.models import ChatMessage
from rostrum.chat.schemas import ChatFile, MessageInfo, SendMessage, file_body
from rostrum.files import FileService
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.errors import FeatureDisabled, InvalidInput
from rostrum.kit.events import EventBus
from rostrum.kit.ids import new_id
from rostrum.kit.ratelimit import RateLimiter
from rostrum.live import Contributor, LiveRoom, LiveService, Peer, RemovedFromRoom, RoomClosed, sender
from rostrum.rooms import RoomService

HISTORY = 100
LONGEST_BYTES = 4096
LIMIT = "60/10 seconds"


class ChatService(Contributor):
    """Chat of live rooms. The last messages of a live room are kept in memory for those who join."""

    def __init__(
        self,
        db: Database,
        live: LiveService,
        rooms: RoomService,
        files: FileService,
        events: EventBus,
        limits: RateLimiter,
    ) -> None:
        self._db = db
        self._live = live
        self._rooms = rooms
        self._files = files
        self._limits = limits
        self._histories: dict[LiveRoom, asyncio.Task[deque[MessageInfo]]] = {}
        live.contribute(self)
        events.subscribe(RoomClosed, self._on_room_closed)

    async def send(self, peer: Peer, request: SendMessage, *, files: bool) -> MessageInfo:
        """Save a message, then tell the rest of the room. Sent again with its client id, it is the same message.

        Raises:
            EmptyMessage, MessageTooLong, RateLimited.
            FeatureDisabled: it has a file and the tenant's package has no files in chat.
            InvalidInput, FileNotFound: its file is none of this room.
        """
        text = request.message.strip()
        if not text and request.file is None:
            raise EmptyMessage()
        if len(text.encode("utf-8", "surrogatepass")) > LONGEST_BYTES:
            raise MessageTooLong()
        if request.file is not None and not files:
            raise FeatureDisabled()
        await self._limits.hit(LIMIT, "chat", peer.id)
        file = await self._file(peer.room.id, request.file)
        history = await self._history(peer.room)
        message, is_new = await self._save(peer, text, request.client_id, file)
        if is_new:
            history.append(message)
            self._announce(peer, message)
        return message

    async def _file(self, room_id: str, wanted: ChatFile | str | None) -> dict[str, Any] | None:
        if wanted is None:
            return None
        name = wanted if isinstance(wanted, str) else wanted.id or wanted.filename
        if not name:
            raise InvalidInput(errors=[{"field": "file", "msg": "needs the filename or the id of a file of this room"}])
        return file_body(await self._files.find(room_id, name))

    def _announce(self, peer: Peer, message: MessageInfo) -> None:
        body = {**message.body(), **sender(peer), "name": message.name}
        # The classic clients listen to either name.
        for event in ("message", "sendMessage"):
            self._live.notifier.room(peer.room, event, body, skip=peer)

    async def _save(
        self, peer: Peer, text: str, client_id: str | None, file: dict[str, Any] | None
    ) -> tuple[MessageInfo, bool]:
        row = ChatMessage(
            id=new_id(),
            room_id=peer.room.id,
            subject=peer.subject[:64],
            peer_id=peer.id,
            name=peer.name[:100],
            message=text,
            file=msgspec.json.encode(file).decode() if file else None,
            client_id=client_id,
            created_at=clock.now_ms(),
        )
        if client_id is not None and (known := await self._known(row)) is not None:
            return known, False
        try:
            async with self._db.session() as session:
                session.add(row)
        except IntegrityError:
            # The same message on its way twice, over an old socket and a new one.
            known = await self._known(row)
            if known is None:
                raise
            return known, False
        return _info(row), True

    async def _known(self, row: ChatMessage) -> MessageInfo | None:
        if row.client_id is None:
            return None
        async with self._db.reading() as session:
            found = await store.by_client_id(session, row.room_id, row.subject, row.client_id)
        return _info(found) if found is not None else None

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
        live_room = self._live.rooms.get(room.id)
        if live_room is not None and principal.subject in live_room.removed:
            raise RemovedFromRoom()
        async with self._db.reading() as session:
            rows = await store.latest(session, room.id, limit=limit + 1, before=before)
        page = [_info(row) for row in rows[:limit]]
        return page, page[-1].position if len(rows) > limit else None

    async def join_part(self, peer: Peer) -> dict[str, Any]:
        """The last messages, oldest first."""
        return {"chatHistory": [message.body() for message in await self._history(peer.room)]}

    async def _history(self, room: LiveRoom) -> deque[MessageInfo]:
        """The last messages of a live room; read once, by whoever needs them first."""
        task = self._histories.get(room)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._histories[room] = asyncio.ensure_future(self._load(room.id))
        return await asyncio.shield(task)

    async def _load(self, room_id: str) -> deque[MessageInfo]:
        async with self._db.reading() as session:
            rows = await store.latest(session, room_id, limit=HISTORY)
        return deque((_info(row) for row in reversed(rows)), maxlen=HISTORY)

    async def _on_room_closed(self, fact: RoomClosed) -> None:
        self._histories.pop(fact.room, None)


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
