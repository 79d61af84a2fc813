"""The verbs of files: upload, find, list, read, delete.

The object is on the disk before its row is committed, and the row is gone before the object is: what is listed can be
read. What a crash leaves in between is an object without a row; a sweep at the start removes it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from fnmatch import fnmatchcase

import structlog

from rostrum.audit import AuditService, Watched
from rostrum.auth import Principal
from rostrum.files import store, types
from rostrum.files.errors import FileNotFound, FileTooLarge, FileTypeRefused, RoomFull
from rostrum.files.form import Form
from rostrum.files.models import RoomFile
from rostrum.files.names import original_name, stored_name, told_apart
from rostrum.files.schemas import FileInfo, info_of
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.kit.events import EventBus
from rostrum.kit.ids import new_id
from rostrum.kit.ratelimit import RateLimiter
from rostrum.rooms import RoomDeleted, RoomInfo, RoomService
from rostrum.rooms.errors import RoomNotFound
from rostrum.settings import Settings
from rostrum.storage import Draft, ObjectStorage, StorageFull, StorageUnavailable

log = structlog.get_logger(__name__)

FOLDER = "files"
AT_ONCE = 500
LONGEST_NAME = 200


class FileService:
    """Files of rooms. Whoever may enter a room, and shows a token, may read its files."""

    def __init__(
        self,
        db: Database,
        rooms: RoomService,
        storage: ObjectStorage,
        events: EventBus,
        limits: RateLimiter,
        audit: AuditService,
        settings: Settings,
    ) -> None:
        self._db = db
        self._rooms = rooms
        self._storage = storage
        self._limits = limits
        self._audit = audit
        self._settings = settings
        self._coming: Counter[str] = Counter()
        events.subscribe(RoomDeleted, self._on_room_deleted)

    async def start(self) -> None:
        """Remove the objects that no row knows; call it before the first upload."""
        async for keys in self._storage.keys(FOLDER):
            async with self._db.reading() as session:
                known = await store.known_keys(session, keys)
            orphans = [key for key in keys if key not in known]
            if orphans:
                log.warning("files.orphans_removed", count=len(orphans))
                await self._storage.delete(orphans)

    async def upload(
        self, principal: Principal, room_id: str, content_type: str, body: AsyncIterator[bytes], *, declared: int
    ) -> FileInfo:
        """Take the file of a multipart body; it is in the room when this returns, and else nothing of it is.

        Args:
            declared: bytes of the body as its header tells them, 0 where it does not.

        Raises:
            RoomNotFound: there is none that the caller may know of.
            UserRequired: the caller has neither a user's token nor a join token.
            RateLimited, RoomFull, FileTooLarge, PictureTooLarge, FileTypeRefused, FileTypeMismatch, StorageFull,
            StorageUnavailable.
            FormRequired, MalformedForm, InvalidInput, UploadTooSlow: the body is none with one file.
        """
        async with self._watch("file.upload", principal, f"room:{room_id}") as watched:
            return await self._upload(watched, principal, room_id, content_type, body, declared)

    def _watch(self, action: str, principal: Principal, resource: str) -> AbstractAsyncContextManager[Watched]:
        return self._audit.watch(action, tenant_id=principal.tenant_id, actor=principal.subject, resource=resource)

    async def _upload(
        self,
        watched: Watched,
        principal: Principal,
        room_id: str,
        content_type: str,
        body: AsyncIterator[bytes],
        declared: int,
    ) -> FileInfo:
        room = await self._rooms.look_into(principal, room_id)
        if principal.kind != "tenant":
            await self._limits.hit(self._settings.upload_limit_user, "upload", principal.tenant_id, principal.subject)
        form = Form(content_type, body, idle_seconds=self._settings.upload_idle_seconds)
        if declared > self._storage.free():
            raise StorageFull()
        head = await form.head()
        name = original_name(head.filename)
        kind = types.type_of(name)
        if not self._takes(kind):
            raise FileTypeRefused()
        async with self._storage.draft() as draft:
            await self._receive(room, form, draft, kind=kind, header=head.content_type)
            return await self._add(watched, principal, room, draft, name=name, kind=kind)

    def _takes(self, kind: str) -> bool:
        return any(fnmatchcase(kind, allowed) for allowed in self._settings.upload_types)

    async def _receive(self, room: RoomInfo, form: Form, draft: Draft, *, kind: str, header: str) -> None:
        """Write the file's bytes into the draft, within the limits; its type is checked as soon as it can be."""
        async with self._db.reading() as session:
            stored = await store.usage(session, room.id)
        inspection = types.Inspection(kind, header, most_pixels=self._settings.max_picture_pixels)
        counted = 0
        try:
            async for chunk in form.chunks():
                counted += len(chunk)
                self._coming[room.id] += len(chunk)
                if counted > self._settings.max_upload_bytes:
                    raise FileTooLarge()
                if stored + self._coming[room.id] > self._settings.max_room_files_bytes:
                    raise RoomFull()
                inspection.take(chunk)
                await draft.write(chunk)
            inspection.finish()
        finally:
            self._coming[room.id] -= counted
            self._coming += Counter()  # Drops what is at zero.

    async def _add(
        self, watched: Watched, principal: Principal, room: RoomInfo, draft: Draft, *, name: str, kind: str
    ) -> FileInfo:
        """Keep the draft and commit its row."""
        file_id = new_id()
        row = RoomFile(
            id=file_id,
            room_id=room.id,
            filename=stored_name(room.id, name),
            original_name=name,
            type=kind,
            size=draft.size,
            object_key=f"{FOLDER}/{room.id}/{file_id}",
            uploader=principal.subject[:64],
            uploaded_at=clock.now_ms(),
        )
        try:
            await self._storage.keep(draft, row.object_key)
            async with self._db.session() as session:
                if not await store.take_turn(session, room.id):
                    raise RoomNotFound()
                if await store.by_name(session, room.id, row.filename) is not None:
                    row.filename = told_apart(row.filename, file_id)
                watched.resource = f"room:{room.id}/file:{row.filename}"
                # Uploads of one room take turns here, so that together they never exceed what it may hold.
                if await store.usage(session, room.id) + row.size > self._settings.max_room_files_bytes:
                    raise RoomFull()
                session.add(row)
                await self._audit.done(watched)
        except Exception:
            await self._forget_unless_stored(row.object_key)
            raise
        return info_of(row)

    async def get(self, principal: Principal, room_id: str, filename: str) -> FileInfo:
        """A file of a room that the caller may enter.

        Raises:
            UserRequired, RoomNotFound, FileNotFound.
        """
        room = await self._rooms.look_into(principal, room_id)
        return await self.find(room.id, filename)

    async def find(self, room_id: str, filename: str) -> FileInfo:
        """A file of a room, by its name or its id, whoever asks.

        Raises:
            FileNotFound: the room has none of this name.
        """
        if len(filename) > LONGEST_NAME or "\0" in filename:
            raise FileNotFound()
        async with self._db.reading() as session:
            row = await store.by_name(session, room_id, filename)
        if row is None:
            raise FileNotFound()
        return info_of(row)

    async def page(
        self, principal: Principal, room_id: str, *, limit: int, after: tuple[int, str] | None
    ) -> tuple[list[FileInfo], bool]:
        """Files of a room that the caller may enter, the newest first, and whether there are more.

        Raises:
            UserRequired: the caller has a publishable key alone.
            RoomNotFound: there is none that the caller may know of.
        """
        room = await self._rooms.look_into(principal, room_id)
        async with self._db.reading() as session:
            rows = await store.page(session, room.id, limit=limit + 1, after=after)
        return [info_of(row) for row in rows[:limit]], len(rows) > limit

    async def read(self, principal: Principal, file: FileInfo, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes of a file from `start` up to, not including, `end`; the first ones are read before this returns.

        Raises:
            StorageUnavailable: they cannot be read.
        """
        pieces = self._storage.read(file.object_key, start, end)
        try:
            first = await anext(pieces, b"")
        except StorageUnavailable:
            await self.find(file.room_id, file.filename)  # Somebody has deleted it in between: then it is no fault.
            raise
        await self._audit.record(
            "file.download",
            tenant_id=principal.tenant_id,
            actor=principal.subject,
            resource=f"room:{file.room_id}/file:{file.filename}",
        )
        return _all(first, pieces)

    async def delete(self, principal: Principal, room_id: str, filename: str) -> None:
        """Delete one file: its uploader may, and a host of the room.

        Raises:
            RoomNotFound, FileNotFound, Forbidden, RateLimited.
        """
        async with self._watch("file.delete", principal, f"room:{room_id}/file:{filename}") as watched:
            file = await self.get(principal, room_id, filename)
            if file.uploader != principal.subject:
                await self._rooms.require_host(principal, room_id)
            await self._count_deletion(principal)
            if not await self._delete(watched, [file.id]):
                raise FileNotFound()

    async def delete_all(self, principal: Principal, room_id: str) -> int:
        """Delete all files of a room, if the caller is a host of it; tells how many there were.

        Raises:
            RoomNotFound, Forbidden, RateLimited.
        """
        async with self._watch("file.delete_all", principal, f"room:{room_id}") as watched:
            room = await self._rooms.require_host(principal, room_id)
            await self._count_deletion(principal)
            async with self._db.reading() as session:
                ids = await store.ids_of_room(session, room.id)
            return await self._delete(watched, ids)

    async def _count_deletion(self, principal: Principal) -> None:
        if principal.kind != "tenant":
            await self._limits.hit(self._settings.delete_limit_user, "delete", principal.tenant_id, principal.subject)

    async def _delete(self, watched: Watched, ids: Sequence[str]) -> int:
        """Delete files, first the rows; tells how many were still there."""
        keys: list[str] = []
        async with self._db.session() as session:
            for start in range(0, len(ids), AT_ONCE):
                keys += await store.remove(session, ids[start : start + AT_ONCE])
            if keys or not ids:
                await self._audit.done(watched)
        await self._forget(keys)
        return len(keys)

    async def _on_room_deleted(self, fact: RoomDeleted) -> None:
        """The rows went with their room; the objects follow."""
        async for keys in self._storage.keys(f"{FOLDER}/{fact.room.id}"):
            await self._forget(keys)

    async def _forget_unless_stored(self, key: str) -> None:
        """Delete an object that did not get its row. Whether it did, a commit that broke off does not say; where the
        database cannot say either, or the server stops in the midst of it, the sweep at the next start decides."""
        try:
            async with self._db.reading() as session:
                stored = await store.known_keys(session, [key])
        except DatabaseUnavailable:
            log.warning("files.orphans_left", count=1)
            return
        if not stored:
            await self._forget([key])

    async def _forget(self, keys: Sequence[str]) -> None:
        """Delete objects that no row knows; what cannot be deleted now is left to the sweep at the next start."""
        try:
            await self._storage.delete(keys)
        except StorageUnavailable:
            log.warning("files.orphans_left", count=len(keys))


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
