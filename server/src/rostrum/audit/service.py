"""The verbs of the audit log: record what was done, watch what is tried, read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import event

from rostrum.audit import store
from rostrum.audit.models import AuditRecord
from rostrum.audit.schemas import record_body
from rostrum.audit.shipping import Shipper
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.kit.errors import InternalError, RostrumError
from rostrum.kit.ids import new_id
from rostrum.kit.origin import origin

log = structlog.get_logger(__name__)

SAME_REFUSAL_SECONDS: Final = 60.0
MOST_WAITING: Final = 5000
FLUSH_SECONDS: Final = 0.2


@dataclass(slots=True)
class Watched:
    """An action that is being tried; whoever does it may fill in what becomes known on the way."""

    action: str
    tenant_id: str | None
    actor: str
    resource: str
    recorded: bool = False


class AuditService:
    """Writes and reads the log. Address and request id come from the origin of the present request."""

    def __init__(self, db: Database, shipper: Shipper) -> None:
        self._db = db
        self._shipper = shipper
        self._recent: dict[tuple[str, ...], float] = {}
        self._waiting: list[AuditRecord] = []
        self._flushing: asyncio.Task[None] | None = None

    async def record(self, action: str, *, tenant_id: str | None, actor: str, resource: str = "") -> None:
        """Note a success, in the transaction of the action where the caller is in one."""
        await self._write(_row(Watched(action, tenant_id, actor, resource), None))

    @asynccontextmanager
    async def watch(
        self, action: str, *, tenant_id: str | None, actor: str, resource: str = ""
    ) -> AsyncIterator[Watched]:
        """Note how the block ends: a failure in a transaction of its own, a success too unless `done` noted it.

        It must stand around the action's transaction, not inside, or the note of a failure would be rolled back.
        """
        watched = Watched(action, tenant_id, actor, resource)
        try:
            yield watched
        except Exception as error:
            await self._failed(watched, error.code if isinstance(error, RostrumError) else InternalError.code)
            raise
        if not watched.recorded:
            await self.done(watched)

    async def _failed(self, watched: Watched, code: str) -> None:
        if self._told_already(watched, code):
            return
        if code == DatabaseUnavailable.code:  # A second wait would be in vain, and would make the caller's longer.
            log.error("audit.failure_lost", action=watched.action, code=code)
            return
        try:
            await self._write(_row(watched, code))
        except RostrumError:  # The database has gone in the meantime; the action's own error is the one to tell.
            log.error("audit.failure_lost", action=watched.action, code=code)

    async def done(self, watched: Watched) -> None:
        """Note the success of a watched action in the action's own transaction, which the caller is in."""
        watched.recorded = True
        await self._write(_row(watched, None))

    def refused(self, action: str, code: str, *, tenant_id: str | None, actor: str, resource: str = "") -> None:
        """Note a refusal where nobody may wait for the database: many are written together, a moment later."""
        watched = Watched(action, tenant_id, actor, resource)
        if self._told_already(watched, code):
            return
        if len(self._waiting) >= MOST_WAITING:
            log.warning("audit.refusals_dropped", action=action)
            return
        self._waiting.append(_row(watched, code))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    async def page(
        self,
        tenant_id: str,
        *,
        equal: dict[str, str],
        since: int | None = None,
        until: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Sequence[AuditRecord], int | None]:
        """A tenant's records, the newest first, and the position that the next page begins before."""
        async with self._db.reading() as session:
            found = await store.page(
                session, tenant_id, equal=equal, since=since, until=until, before=before, limit=limit + 1
            )
        return found[:limit], found[limit - 1].position if len(found) > limit else None

    async def close(self) -> None:
        """Write what waits."""
        if self._flushing is not None:
            await self._flushing

    async def _flush(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        rows, self._waiting, self._flushing = self._waiting, [], None
        try:
            await self._write(*rows)
        except RostrumError:
            log.error("audit.refusals_lost", count=len(rows))

    async def _write(self, *rows: AuditRecord) -> None:
        async with self._db.session() as session:
            session.add_all(rows)
            shipped = [record_body(row) for row in rows]

            def after_commit(_session: object) -> None:
                for body in shipped:
                    self._shipper.ship(body)

            event.listen(session.sync_session, "after_commit", after_commit, once=True)

    def _told_already(self, watched: Watched, code: str) -> bool:
        """Whether the same refusal was noted within the minute: a flood of tries must not become one of records."""
        key = (watched.action, watched.actor, watched.resource, code, origin().address)
        if code not in ("rate_limited",) and not watched.action.startswith("signal."):
            return False
        now = clock.monotonic()
        if self._recent.get(key, 0.0) > now:
            return True
        if len(self._recent) >= MOST_WAITING:
            self._recent.clear()
        self._recent[key] = now + SAME_REFUSAL_SECONDS
        return False


def _row(watched: Watched, code: str | None) -> AuditRecord:
    source = origin()
    return AuditRecord(
        id=new_id(),
        tenant_id=watched.tenant_id or source.tenant_id,
        at=clock.now_ms(),
        actor=(watched.actor or source.actor)[:64],
        action=watched.action[:40],
        resource=watched.resource[:200],
        outcome="success" if code is None else "failure",
        code=code,
        address=source.address[:64],
        request_id=source.request_id[:24],
    )
