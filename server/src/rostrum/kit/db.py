"""The database: engine, base class of all tables, and the unit of work.

SQLite is the default. It runs in WAL mode with `synchronous=FULL`, so that whatever a caller was told is stored
survives a kill of the process and a loss of power alike; the cost is one fsync a commit. Writers take turns on a lock
here instead of in SQLite, whose own waiting is a sleep, and begin with BEGIN IMMEDIATE, since a reader that turns
into a writer can fail at once with "database is locked".
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import MetaData, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from rostrum.kit.errors import Unavailable

log = structlog.get_logger(__name__)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class DatabaseUnavailable(Unavailable):
    """The database is away, locked, full or exhausted; the details are only in the log."""

    code = "database_unavailable"
    sentence = "The database does not answer; try again in a moment."


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
    """Opens units of work. One request, event or job has one transaction, committed at the edge."""

    def __init__(self, url: str, *, echo: bool = False) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        # An error that quoted its statement's parameters would carry them, passwords' hashes too, into the log.
        self.engine: AsyncEngine = create_async_engine(
            url, echo=echo, hide_parameters=True, pool_pre_ping=not self.is_sqlite
        )
        self._writers = asyncio.Lock()
        if self.is_sqlite:
            _configure_sqlite(self.engine)

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

    @asynccontextmanager
    async def _unit(self, *, writing: bool) -> AsyncIterator[AsyncSession]:
        outer = _current.get()
        if outer is not None and outer.task is asyncio.current_task():
            if writing and not outer.writing:
                raise RuntimeError("A unit of work that writes cannot start inside of one that only reads.")
            yield outer.session
            return
        async with _translated(), self._turn(writing), AsyncSession(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                await session.connection(execution_options={"rostrum_writing": writing})
            token = _current.set(_Unit(session, asyncio.current_task(), writing))
            try:
                async with _ending(session):
                    yield session
            finally:
                _current.reset(token)

    def _turn(self, writing: bool) -> AbstractAsyncContextManager[Any]:
        return self._writers if writing and self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A bare connection in a transaction, for migrations and checks."""
        async with self.engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections; may be called again."""
        await self.engine.dispose()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """A database that is away, locked, full or exhausted is not the caller's fault and may pass: 503, not 500."""
    try:
        yield
    except (OperationalError, PoolExhausted) as error:
        log.exception("database.failed")
        raise DatabaseUnavailable(retry_after=2) from error


@asynccontextmanager
async def _ending(session: AsyncSession) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await session.rollback()
        raise
    await session.commit()


def _configure_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: we choose the kind of BEGIN below.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("rostrum_writing", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
