"""Sessions that have lost their server: taken up again by who comes back to the room, or ended when nobody does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from rostrum.kit import clock, tasks
from rostrum.kit.cluster import Cluster
from rostrum.kit.db import Database
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.kit.errors import RostrumError
from rostrum.live import store
from rostrum.live.models import LiveSession

log = structlog.get_logger(__name__)

LEAST_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A session that was running when its server was killed, and what must outlive that.

    Attributes:
        noticed_at: when whoever was in it counts as gone, milliseconds since 1970.
    """

    session_id: str
    started_at: int
    noticed_at: int
    locked: bool
    removed: frozenset[str]


class Interruptions:
    """Finds sessions that nobody leads.

    A node that is alone looks once, when it starts: later no other server can have left any. Among several any node may
    die at any time, so that whoever opens a room asks, and all look again and again for what nobody came back to.

    Args:
        flush: brings what this node itself has still to write about sessions to the disk; whether it could.
        on_ended: told of the room of a session that nobody came back to.
    """

    def __init__(
        self,
        db: Database,
        cluster: Cluster,
        *,
        grace_seconds: float,
        flush: Callable[[], Awaitable[bool]],
        on_ended: Callable[[str], Awaitable[None]],
    ) -> None:
        self._db = db
        self._cluster = cluster
        self._seconds = max(grace_seconds * 2, LEAST_SECONDS)
        self._flush = flush
        self._on_ended = on_ended
        self._found: dict[str, Interrupted] = {}
        self._suspected: set[str] = set()
        self._turn = asyncio.Lock()
        self._settling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look for what an earlier run has left; it has a while to be rejoined."""
        if self._cluster.is_alone:
            noticed = clock.now_ms()
            async with self._db.reading() as session:
                for row in await store.unfinished(session):
                    removed = await store.removed_subjects(session, row.id)
                    self._found[row.room_id] = _interrupted(row, removed, noticed)
        self._settling = asyncio.create_task(self._settle_later())

    async def close(self) -> None:
        """Look no more."""
        await tasks.end(self._settling)

    async def take(self, room_id: str) -> Interrupted | None:
        """The session that a room goes on with, if one was interrupted; it is the caller's from now on."""
        if self._cluster.is_alone:
            return self._found.pop(room_id, None)
        async with self._turn:
            if not await self._flush():  # It may have ended here a moment ago.
                raise DatabaseUnavailable(retry_after=1)
            async with self._db.session() as session:
                rows = await store.unfinished(session, room_id)
                for row in rows[:-1]:
                    await store.end_session(session, row.id, clock.now_ms())
                if not rows or not await store.take_over(session, rows[-1].id, self._cluster.node):
                    return None
                newest = rows[-1]
                removed = await store.removed_subjects(session, newest.id)
        return _interrupted(newest, removed, clock.now_ms())

    async def has_removed(self, room_id: str, subject: str) -> bool:
        """Whether a host has removed somebody from the session that runs in a room on another node."""
        async with self._db.reading() as session:
            rows = await store.unfinished(session, room_id)
            return bool(rows) and subject in await store.removed_subjects(session, rows[-1].id)

    async def forget(self, room_id: str) -> None:
        """A room is gone: another one that gets its id does not take up its session."""
        interrupted = self._found.pop(room_id, None)
        if interrupted is not None:
            await self._end(interrupted.session_id, interrupted.noticed_at)

    async def settle(self) -> None:
        """End the sessions that nobody has come back to."""
        if not self._cluster.is_alone:
            await self._settle_shared()
            return
        for room_id in list(self._found):
            interrupted = self._found.pop(room_id, None)
            if interrupted is not None:
                try:
                    await self._end(interrupted.session_id, interrupted.noticed_at)
                except RostrumError:
                    self._found[room_id] = interrupted
                    raise
                await self._on_ended(room_id)

    async def _settle_shared(self) -> None:
        """Among several nodes: of those that nobody leads, the ones that nobody led the last time either."""
        async with self._db.reading() as session:
            rows = await store.unfinished(session)
        led = await self._cluster.led(row.room_id for row in rows)
        idle = [row for row in rows if row.room_id not in led and not self._cluster.leads(row.room_id)]
        due = [row for row in idle if row.id in self._suspected]
        self._suspected = {row.id for row in idle}
        for row in due:
            async with self._turn:
                if await self._cluster.lead(row.room_id) != self._cluster.node or self._cluster.holds(row.room_id):
                    continue
                try:
                    await self._end(row.id, clock.now_ms())
                    await self._on_ended(row.room_id)
                finally:
                    await self._cluster.release(row.room_id)

    async def _settle_later(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.settle()
            except RostrumError as error:  # The next turn makes up for it.
                log.warning("sessions.not_settled", code=error.code)
            except Exception:
                log.exception("sessions.not_settled")
            if self._cluster.is_alone and not self._found:
                return

    async def _end(self, session_id: str, moment: int) -> None:
        async with self._db.session() as session:
            await store.end_session(session, session_id, moment)


def _interrupted(row: LiveSession, removed: set[str], noticed: int) -> Interrupted:
    return Interrupted(row.id, row.started_at, noticed, row.locked, frozenset(removed))
