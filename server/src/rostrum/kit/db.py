"""The database: engine, base class of all tables, and the unit of work.

SQLite is the default. It runs in WAL mode with `synchronous=FULL`, so that whatever a caller was told is stored
survives a kill of the process and a loss of power alike; the cost is one fsync a commit. Writers take turns on a lock
here instead of in SQLite, whose own waiting is a sleep, and begin with BEGIN IMMEDIATE, since a reader that turns
into a writer can fail at once with "database is locked".

PostgreSQL has no such lock: whoever reads, decides and writes locks the row that decides, or leaves it to a constraint.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import structlog
from sqlalchemy import MetaData, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

from rostrum.kit.dbfaults import RETRY_SECONDS, DatabaseUnavailable, translate_faults
from rostrum.kit.dbpool import Pool, discard_closed
from rostrum.kit.errors import RostrumError
from rostrum.kit.queries import Query, QuickReader
from rostrum.kit.quick import must_wait

T = TypeVar("T")

log = structlog.get_logger(__name__)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
PING_SECONDS = 3.0
WAL_TRIES = 200
WAL_PAUSE_SECONDS = 0.01


class Base(DeclarativeBase):
    """The base of every table. Moments are stored as milliseconds since 1970 (see kit.clock)."""

    metadata = MetaData(naming_convention=NAMING)


@dataclass(frozen=True, slots=True)
class _Unit:
    session: AsyncSession
    task: asyncio.Task[Any] | None
    writing: bool


_current: ContextVar[_Unit | None] = ContextVar("rostrum_unit_of_work", default=None)


class Database:
    """Opens units of work. One request, event or job has one transaction, committed at the edge.

    A unit raises DatabaseUnavailable while the database is away, locked, full or exhausted, and Unstorable for values
    that it has no form for.
    """

    def __init__(self, url: str, *, pool: Pool | None = None) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._pool = pool or Pool()
        options = {} if self.is_sqlite else self._pool.options()
        # An error that quoted its statement's parameters would carry them, passwords' hashes too, into the log.
        self.engine: AsyncEngine = create_async_engine(
            url, hide_parameters=True, json_deserializer=msgspec.json.decode, **options
        )
        self._writers = asyncio.Lock()
        self._quick: QuickReader | None = None
        translate_faults(self.engine.sync_engine)
        if self.is_sqlite:
            _configure_sqlite(self.engine)
            if path := self.engine.url.database:
                self._quick = QuickReader(path, msgspec.json.decode)
        else:
            discard_closed(self.engine.sync_engine)

    @property
    def is_writing(self) -> bool:
        """Whether the present task is inside of a unit of work that may write."""
        unit = _current.get()
        return unit is not None and unit.writing and unit.task is asyncio.current_task()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A unit of work that may write. Commits when the block ends well, rolls back when it raises.

        Inside of another unit of the same task it joins that one, so that a verb that calls a verb is still one
        transaction; a task started inside gets its own.
        """
        async with self._unit(writing=True) as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A unit of work that only reads; it neither waits for writers nor makes them wait."""
        async with self._unit(writing=False) as session:
            yield session

    async def all(self, query: Query[T], **values: object) -> list[T]:
        """What a query finds: in the unit of work that the task is in, else by itself and without waiting if it can.

        Raises:
            DatabaseUnavailable: as the units of work.
        """
        if self._quick is not None and self._joined() is None:
            rows = self._quick.rows(query, values)
            if rows is not None:
                return query.objects(rows)
        async with self.reading() as session:
            return query.objects((await session.execute(query.statement, values)).all())

    async def first(self, query: Query[T], **values: object) -> T | None:
        """The first that `all` finds, None if there is none."""
        found = await self.all(query, **values)
        return found[0] if found else None

    @staticmethod
    def _joined() -> "_Unit | None":
        """The unit of work that the present task is in."""
        outer = _current.get()
        return outer if outer is not None and outer.task is asyncio.current_task() else None

    @asynccontextmanager
    async def _unit(self, *, writing: bool) -> AsyncIterator[AsyncSession]:
        outer = self._joined()
        if outer is not None:
            if writing and not outer.writing:
                raise RuntimeError("A unit of work that writes cannot start inside of one that only reads.")
            yield outer.session
            return
        must_wait()
        async with self._turn(writing), AsyncSession(self.engine, expire_on_commit=False) as session:
            await self._begin(session, writing)
            token = _current.set(_Unit(session, asyncio.current_task(), writing))
            try:
                async with _ending(session):
                    yield session
            finally:
                _current.reset(token)

    async def _begin(self, session: AsyncSession, writing: bool) -> None:
        options: dict[str, Any] = {"rostrum_writing": writing}
        if not self.is_sqlite and not writing:
            # A statement sees what is committed when it begins, in a transaction or not; without one a read costs one
            # round trip instead of three.
            options = {"isolation_level": "AUTOCOMMIT"}
        with _reached():
            await session.connection(execution_options=options)

    def _turn(self, writing: bool) -> AbstractAsyncContextManager[Any]:
        return self._writers if writing and self.is_sqlite else nullcontext()

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseUnavailable: it gives none.
        """
        try:
            async with asyncio.timeout(PING_SECONDS), self.reading() as session:
                await session.execute(text("SELECT 1"))
        except TimeoutError:
            raise DatabaseUnavailable(retry_after=RETRY_SECONDS) from None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection of its own in a transaction, for migrations, whose statements may take as long as they need.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        if self.is_sqlite:
            async with self.engine.begin() as connection:
                yield connection
            return
        engine = create_async_engine(self.url, poolclass=NullPool, connect_args=self._pool.unhurried())
        translate_faults(engine.sync_engine)
        async with AsyncExitStack() as stack:
            with _reached():
                connection = await stack.enter_async_context(engine.begin())
            yield connection

    async def close(self) -> None:
        """Close all connections; may be called again."""
        if self._quick is not None:
            self._quick.close()  # First, so that the last one to close can write the log of changes back to the file.
        await self.engine.dispose()


@contextlib.contextmanager
def _reached() -> Iterator[None]:
    """Around getting a connection: drivers raise all kinds of things there, and none is the caller's fault."""
    try:
        yield
    except RostrumError:
        raise
    except Exception as error:
        log.error("database.no_connection", error=type(error).__name__, reason=str(error)[:200])
        raise DatabaseUnavailable(retry_after=RETRY_SECONDS) from error


@asynccontextmanager
async def _ending(session: AsyncSession) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(DatabaseUnavailable):  # Nothing is left to roll back; the cause is to be told.
            await session.rollback()
        raise
    await session.commit()


def _configure_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: we choose the kind of BEGIN below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=5000")
        _use_wal(cursor)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("rostrum_writing", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _use_wal(cursor: Any) -> None:
    """Turn the file to WAL, where it is not yet; while another start does so SQLite answers that it is locked."""
    for left in range(WAL_TRIES, 0, -1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if left == 1:
                raise
            time.sleep(WAL_PAUSE_SECONDS)
        else:
            return
