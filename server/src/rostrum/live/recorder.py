"""Writes sessions and stays into the database, behind the live room's back.

Who came and went is acknowledged to nobody, so rows are gathered and written a few times a second in one transaction:
a thousand joins cost a handful of commits. What a host decides is acknowledged and must outlive a kill of the server:
it is written at once, in a transaction that the caller adds to (`removing`, `locking`, `ending`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit import clock
from rostrum.kit.cluster import NodeUnreachable
from rostrum.kit.db import Base, Database
from rostrum.kit.errors import Unavailable
from rostrum.live import store
from rostrum.live.interrupted import Interrupted
from rostrum.live.models import LiveParticipant, LiveSession
from rostrum.live.room import LiveRoom, Peer

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 0.25
RETRY_SECONDS = 2.0
KEPT_OPERATIONS = 20_000
Operation = Callable[[AsyncSession], Awaitable[object]]
Row = dict[str, Any]


class _LedElsewhere(Exception):
    """Another node leads the session by now."""


class SessionRecorder:
    """Keeps the session rows of the rooms that this node leads.

    Args:
        node: this node's id.
    """

    def __init__(self, db: Database, node: str) -> None:
        self._db = db
        self._node = node
        self._pending: list[Operation | tuple[type[Base], Row]] = []
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run())

    def opened(self, room: LiveRoom, interrupted: Interrupted | None = None) -> None:
        """A session begins, or goes on after a kill of its server."""
        if interrupted is None:
            facts = {"id": room.session_id, "tenant_id": room.info.tenant_id, "room_id": room.id}
            then = {"room_type": room.info.type, "owner_id": room.info.owner_id}
            state = {"started_at": room.started_at, "ended_at": None, "locked": False, "leader": self._node}
            self._insert(LiveSession, {**facts, **then, **state})
            return
        room.session_id, room.started_at = interrupted.session_id, interrupted.started_at
        room.locked, room.removed = interrupted.locked, set(interrupted.removed)
        self._write(lambda session: store.take_over(session, room.session_id, self._node))
        self._write(lambda session: store.end_open_stays(session, room.session_id, interrupted.noticed_at))

    def closed(self, room: LiveRoom) -> None:
        """A session has ended."""
        moment = clock.now_ms()
        self._write(lambda session: store.end_session(session, room.session_id, moment, self._node))

    async def led_elsewhere(self, rooms: Iterable[LiveRoom]) -> list[LiveRoom]:
        """Those of these rooms whose session another node has taken over."""
        by_session = {room.session_id: room for room in rooms}
        async with self._db.reading() as session:
            leaders = await store.led_by(session, list(by_session))
        return [by_session[session_id] for session_id, leader in leaders.items() if leader not in (None, self._node)]

    def joined(self, peer: Peer) -> None:
        """A stay begins."""
        self._insert_stay(peer.room, peer.id, peer.subject, peer.name, peer.role)

    def left(self, peer: Peer, *, removed: bool) -> None:
        """A stay has ended."""
        moment = clock.now_ms()
        self._write(lambda session: store.end_stay(session, peer.id, moment, removed))

    def attended(self, room: LiveRoom, attendance_id: str, subject: str, name: str) -> None:
        """Somebody is present without media (meet set)."""
        self._insert_stay(room, attendance_id, subject, name, "viewer")

    def attendance_ended(self, attendance_id: str) -> None:
        """Such a presence has ended."""
        moment = clock.now_ms()
        self._write(lambda session: store.end_stay(session, attendance_id, moment, False))

    def role_changed(self, peer: Peer) -> None:
        """A participant has another role."""
        role = peer.role
        self._write(lambda session: store.set_role(session, peer.id, role))

    def removing(self, room: LiveRoom, subject: str) -> AbstractAsyncContextManager[None]:
        """A transaction in which a host sends somebody out of a session for good."""
        moment = clock.now_ms()
        return self._at_once(room, lambda session: store.mark_removed(session, room.session_id, subject, moment))

    def locking(self, room: LiveRoom, locked: bool) -> AbstractAsyncContextManager[None]:
        """A transaction in which a session is locked or unlocked."""
        return self._at_once(room, lambda session: store.set_locked(session, room.session_id, locked))

    def ending(self, room: LiveRoom) -> AbstractAsyncContextManager[None]:
        """A transaction in which a session ends."""
        moment = clock.now_ms()
        return self._at_once(room, lambda session: store.end_session(session, room.session_id, moment))

    async def close(self) -> None:
        """Write what is left and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def flush(self) -> bool:
        """Write what waits now; what cannot be written goes on waiting. Whether all of it was written."""
        async with self._turn:
            return await self._flush_waiting()

    @asynccontextmanager
    async def _at_once(self, room: LiveRoom, operation: Operation) -> AsyncIterator[None]:
        async with self._turn:
            await self._flush_waiting()  # The rows that it is about may be among those.
            try:
                async with self._db.session() as session:
                    leaders = await store.led_by(session, [room.session_id], keep=True)
                    if leaders.get(room.session_id) not in (None, self._node):
                        raise _LedElsewhere
                    await operation(session)
                    yield
            except _LedElsewhere:
                raise NodeUnreachable(retry_after=1) from None
            except Unavailable:  # Whether the caller gives up or not, what it is about is to be written when it can be.
                self._write(operation)
                raise

    def _insert_stay(self, room: LiveRoom, stay_id: str, subject: str, name: str, role: str) -> None:
        row = {
            "id": stay_id,
            "session_id": room.session_id,
            "subject": subject[:64],
            "name": name[:100],
            "role": role,
            "joined_at": clock.now_ms(),
            "left_at": None,
            "removed": False,
        }
        self._insert(LiveParticipant, row)

    def _insert(self, table: type[Base], row: Row) -> None:
        self._pending.append((table, row))
        self._wake.set()

    def _write(self, operation: Operation) -> None:
        self._pending.append(operation)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            # Shielded: a stop in mid-write lets the transaction end before the last flush.
            await asyncio.shield(asyncio.ensure_future(self.flush()))
            if self._pending:
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _flush_waiting(self) -> bool:
        batch, self._pending = self._pending, []
        self._wake.clear()
        if not batch:
            return True
        try:
            async with self._db.session() as session:
                await _apply(session, batch)
        except Unavailable as error:
            # A passing cause: the batch waits, within bounds, for the next turn.
            log.warning("sessions.waiting", operations=len(batch), code=error.code)
            self._pending = [*batch, *self._pending][-KEPT_OPERATIONS:]
            return False
        except Exception as error:
            log.warning("sessions.batch_failed", operations=len(batch), error=type(error).__name__)
            await self._apply_singly(batch)
        return True

    async def _apply_singly(self, batch: list[Operation | tuple[type[Base], Row]]) -> None:
        """One operation that cannot be written, for example for a room that was deleted, costs only itself."""
        for entry in batch:
            try:
                async with self._db.session() as session:
                    await _apply(session, [entry])
            except Exception as error:
                log.warning("sessions.not_recorded", error=type(error).__name__)


async def _apply(session: AsyncSession, batch: list[Operation | tuple[type[Base], Row]]) -> None:
    """Run the operations in their order; rows of one table that follow one another become one statement."""
    for table, run in groupby(batch, key=lambda entry: entry[0] if isinstance(entry, tuple) else None):
        if table is not None:
            await session.execute(insert(table), [entry[1] for entry in run if isinstance(entry, tuple)])
            continue
        for operation in run:
            if not isinstance(operation, tuple):
                await operation(session)
