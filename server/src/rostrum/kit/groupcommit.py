"""Group commit: what many callers want to store at the same moment costs one transaction.

A commit to disk takes as long for a hundred rows as for one. While one transaction is on its way, the next callers
queue; then all of them go together. Nobody waits for a timer: a single caller is written at once.
"""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.db import Database
from rostrum.kit.errors import Unavailable
from rostrum.kit.quick import must_wait

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")


class TooManyWaiting(Unavailable):
    """More is waiting to be stored than the server takes on."""

    code = "too_many_waiting"
    sentence = "The server has too much to store; try again in a moment."


@dataclass(slots=True, eq=False)
class _Entry(Generic[T, R]):
    item: T
    stored: asyncio.Future[R]


class GroupCommit(Generic[T, R]):
    """Stores items in transactions of many, in the order in which they came.

    Args:
        write: stores the items in the given unit of work; as many results, in the items' order.
        committed: called with each item and its result, after the commit and before the caller has its answer, in
            the order of the items. It awaits nothing, and what it raises is logged.
        largest: most items a transaction.
        waiting: most items that may wait.
    """

    def __init__(
        self,
        db: Database,
        write: Callable[[AsyncSession, Sequence[T]], Awaitable[Sequence[R]]],
        committed: Callable[[T, R], None],
        *,
        largest: int = 256,
        waiting: int = 10_000,
    ) -> None:
        self._db = db
        self._write = write
        self._committed = committed
        self._largest = largest
        self._most_waiting = waiting
        self._waiting: deque[_Entry[T, R]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def store(self, item: T) -> R:
        """Store an item; it is on disk when this returns. A caller that is cancelled does not take its item back.

        Not from inside of a unit of work that writes, which would wait here for itself.

        Raises:
            TooManyWaiting: the queue is full; nothing is stored.
            Unavailable: the server stops.
            DatabaseUnavailable: the database is away or full; as always after this, the item may be stored or not.
            Exception: whatever `write` raises for this item alone.
        """
        must_wait()
        if self._closed:
            raise Unavailable(retry_after=2)
        if len(self._waiting) >= self._most_waiting:
            raise TooManyWaiting(retry_after=1)
        entry = _Entry[T, R](item, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._task is None:
            # In a context of its own: the first caller's unit of work and origin are none of the others' business.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
        return await entry.stored

    async def close(self) -> None:
        """Store what waits and take nothing more; may be called again."""
        self._closed = True
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._largest, len(self._waiting)))]
                await self._store(batch)
        finally:
            self._task = None
            # Nobody is left behind without an answer, whatever ended this; usually nobody waits.
            _fail(self._waiting, Unavailable(retry_after=2))
            self._waiting.clear()

    async def _store(self, batch: list[_Entry[T, R]]) -> None:
        """One transaction; where one item spoils it, two of half the size, until that item stands alone."""
        try:
            async with self._db.session() as session:
                results = await self._write(session, [entry.item for entry in batch])
        except Unavailable as error:
            # A full disk or a database that is away would fail each of them in turn.
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            log.warning("groupcommit.split", items=len(batch), error=type(error).__name__)
            middle = len(batch) // 2
            await self._store(batch[:middle])
            await self._store(batch[middle:])
        except BaseException:
            _fail(batch, Unavailable(retry_after=2))
            raise
        else:
            self._answer(batch, results)

    def _answer(self, batch: list[_Entry[T, R]], results: Sequence[R]) -> None:
        for entry, result in zip(batch, results, strict=True):
            try:
                self._committed(entry.item, result)
            except Exception:
                log.exception("groupcommit.committed_failed")
            if not entry.stored.done():
                entry.stored.set_result(result)


def _fail(batch: Iterable[_Entry[T, R]], error: Exception) -> None:
    for entry in batch:
        if not entry.stored.done():
            # Each caller raises an instance of its own: a shared one would gather all their tracebacks.
            entry.stored.set_exception(copy.copy(error))
