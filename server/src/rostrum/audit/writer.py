"""Commits records that have no transaction of their own, many in one: a flood of logins costs a few commits."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.audit import store
from rostrum.audit.models import AuditRecord
from rostrum.audit.schemas import record_body
from rostrum.audit.shipping import Shipper
from rostrum.kit.db import Database
from rostrum.kit.errors import Unavailable
from rostrum.kit.groupcommit import GroupCommit

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 5000
AT_ONCE: Final = 500
RETRY_SECONDS: Final = 2.0

Row = dict[str, Any]
"""A record's columns, without its position."""


class RecordWriter:
    """Takes records: some callers wait until theirs is on the disk, some records wait until the disk can take them."""

    def __init__(self, db: Database, shipper: Shipper) -> None:
        self._shipper = shipper
        self._commits = GroupCommit[Row, None](db, _insert, self._ship, largest=AT_ONCE, waiting=MOST_WAITING)
        self._patient: deque[Row] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def write(self, row: Row) -> None:
        """Write one record; it is on the disk when this returns. It is written also if the caller is cancelled.

        Raises:
            TooManyWaiting, DatabaseUnavailable: the database does not take it.
        """
        await self._commits.store(row)

    def put(self, row: Row) -> None:
        """Write one record soon; while the database is away it is kept, as far as there is room."""
        if len(self._patient) >= MOST_WAITING:
            _lost(row)
            return
        self._patient.append(row)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def settle(self) -> None:
        """Wait until nothing waits."""
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Write what waits, if the database takes it, and take nothing more."""
        self._closing.set()
        await self.settle()
        await self._commits.close()

    async def _run(self) -> None:
        while self._patient:
            rows = [self._patient.popleft() for _ in range(min(AT_ONCE, len(self._patient)))]
            ends = await asyncio.gather(*(self._commits.store(row) for row in rows), return_exceptions=True)
            again = [row for row, end in zip(rows, ends, strict=True) if isinstance(end, Unavailable)]
            for row, end in zip(rows, ends, strict=True):
                if isinstance(end, BaseException) and (row not in again or self._closing.is_set()):
                    _lost(row)
            if again and not self._closing.is_set():
                self._patient.extendleft(reversed(again))
                await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), RETRY_SECONDS)
        except TimeoutError:
            return

    def _ship(self, row: Row, _result: None) -> None:
        self._shipper.ship(record_body(AuditRecord(**row)))


async def _insert(session: AsyncSession, rows: Sequence[Row]) -> Sequence[None]:
    await store.insert(session, rows)
    return [None] * len(rows)


def _lost(row: Row) -> None:
    told = {name: row[name] for name in ("action", "outcome", "code", "actor", "resource")}
    log.error("audit.record_lost", **told)
