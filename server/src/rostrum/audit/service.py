"""The verbs of the audit log: record what was done, watch what is tried, read.

A success is noted in the transaction of its action (`done`): there is no action without its record. Where an action
has no transaction, its record is on the disk before anybody is told of the action. A failure has nothing to be in one
transaction with; its record, too, is on the disk before the caller is told.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import event

from rostrum.audit import store
from rostrum.audit.models import AuditRecord
from rostrum.audit.repeats import Repeats
from rostrum.audit.schemas import record_body
from rostrum.audit.shipping import Shipper
from rostrum.audit.writer import RecordWriter, Row
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.kit.errors import InternalError, RostrumError
from rostrum.kit.ids import new_id
from rostrum.kit.origin import origin
from rostrum.kit.quick import must_wait

log = structlog.get_logger(__name__)

REFUSALS: Final = frozenset({401, 403, 404, 429})
"""Statuses of failures that cost the caller nothing, so that they may come in floods."""

EACH_COUNTS: Final = frozenset({"invalid_credentials", "wrong_password", "invalid_reset_token"})
"""Refusals that are recorded each time: somebody guesses a secret, and a rate limit bounds how often."""


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
        self._writer = RecordWriter(db, shipper)
        self._repeats = Repeats()

    async def record(self, action: str, *, tenant_id: str | None, actor: str, resource: str = "") -> None:
        """Note a success: in the transaction that the caller is in, else it is on the disk when this returns."""
        await self._succeeded(Watched(action, tenant_id, actor, resource))

    @asynccontextmanager
    async def watch(
        self, action: str, *, tenant_id: str | None, actor: str, resource: str = ""
    ) -> AsyncIterator[Watched]:
        """Note how the block ends: its failure, and its success too unless `done` noted that on the way.

        It must stand around the action's transaction, not inside, or the note of a failure would be rolled back.
        """
        watched = Watched(action, tenant_id, actor, resource)
        try:
            yield watched
        except Exception as error:
            await self.failed(watched, error)
            raise
        if not watched.recorded:
            await self.done(watched)

    async def done(self, watched: Watched) -> None:
        """Note the success of a watched action in the action's own transaction, which the caller is in."""
        watched.recorded = True
        await self._succeeded(watched)

    async def failed(self, watched: Watched, error: Exception) -> None:
        """Note the failure of an action; nothing of it may be in a transaction that is still open."""
        must_wait()  # A try that is begun anew would leave the record of a request that nobody was answered.
        if not self._tells(watched, error):
            return
        row = _row(watched, _code(error))
        # While the database is away a second wait would be in vain; and in somebody else's transaction this would wait
        # for that one's end, and that one for this.
        if not self._db.is_writing and not isinstance(error, DatabaseUnavailable):
            try:
                await self._writer.write(row)
                return
            except RostrumError:  # It has gone in the meantime; the action's own error is the one to tell.
                log.warning("audit.failure_waits", action=watched.action)
        self._writer.put(row)

    async def turned_away(self, action: str, error: RostrumError, *, resource: str = "") -> None:
        """Note that somebody was refused before the action began, unless its failure is noted already.

        Where not even the tenant is known, as with a wrong API key, there is nobody who may read a record, and anybody
        could fill the disk with what cannot be deleted: that stands in the server's log alone.
        """
        source = origin()
        if error.status not in REFUSALS or source.notes.failed:
            return
        if source.tenant_id is None:
            log.warning("audit.stranger_refused", action=action, address=source.address, code=error.code)
            return
        await self.failed(Watched(action, source.tenant_id, source.actor, resource), error)

    def refused(self, watched: Watched, error: RostrumError) -> None:
        """Note a failure where nobody may wait for the database: it is written in a moment."""
        if self._tells(watched, error):
            self._writer.put(_row(watched, error.code))

    def later(self, watched: Watched) -> None:
        """Note a success that must not depend on the database, which is away: it is written when that is back."""
        watched.recorded = True
        self._writer.put(_row(watched, None))

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

    async def settle(self) -> None:
        """Wait until everything noted so far is on the disk, and shipped."""
        await self._writer.settle()
        await asyncio.to_thread(self._shipper.close)

    async def close(self) -> None:
        """Write what waits, and take nothing more."""
        await self._writer.close()
        await asyncio.to_thread(self._shipper.close)

    async def _succeeded(self, watched: Watched) -> None:
        row = _row(watched, None)
        if not self._db.is_writing:
            await self._writer.write(row)
            return
        async with self._db.session() as session:
            record = AuditRecord(**row)
            session.add(record)
            body = record_body(record)
            event.listen(session.sync_session, "after_commit", lambda _: self._shipper.ship(body), once=True)

    def _tells(self, watched: Watched, error: Exception) -> bool:
        """Whether this failure is one to record now; the request or signal it belongs to counts as told of."""
        origin().notes.failed = True
        if not isinstance(error, RostrumError) or error.status not in REFUSALS or error.code in EACH_COUNTS:
            return True
        # Those who show no token are somebody else each time; what they have in common is their address.
        actor = "" if watched.actor.startswith("guest:") else watched.actor
        return self._repeats.tells(origin().address, actor, watched.action, watched.resource, error.code)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, RostrumError) else InternalError.code


def _row(watched: Watched, code: str | None) -> Row:
    source = origin()
    return Row(
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
