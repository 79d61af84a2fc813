"""The unit of work: one transaction, writers in turn, nothing half done."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rostrum.kit.db import Database, DatabaseUnavailable
from sqlalchemy import text


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    async with made.session() as session:
        await session.execute(text("CREATE TABLE t (n INTEGER)"))
    yield made
    await made.close()


async def _numbers(db: Database) -> list[int]:
    async with db.reading() as session:
        return list((await session.scalars(text("SELECT n FROM t ORDER BY n"))).all())


async def test_commits_at_the_end(db: Database) -> None:
    async with db.session() as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))
        assert await asyncio.create_task(_numbers(db)) == []
    assert await _numbers(db) == [1]


async def test_rolls_back_on_an_error_and_on_cancellation(db: Database) -> None:
    with pytest.raises(ValueError, match="stop"):
        async with db.session() as session:
            await session.execute(text("INSERT INTO t VALUES (1)"))
            raise ValueError("stop")

    async def slow() -> None:
        async with db.session() as session:
            await session.execute(text("INSERT INTO t VALUES (2)"))
            await asyncio.sleep(60)

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.session() as session:  # The turn of the cancelled writer is over.
        await session.execute(text("INSERT INTO t VALUES (3)"))
    assert await _numbers(db) == [3]


async def test_many_writers_at_once(db: Database) -> None:
    async def add(number: int) -> None:
        async with db.session() as session:
            count = await session.scalar(text("SELECT count(*) FROM t"))
            await session.execute(text("INSERT INTO t VALUES (:n)"), {"n": count})

    await asyncio.gather(*(add(number) for number in range(40)))
    assert await _numbers(db) == list(range(40))


async def test_a_task_started_inside_has_its_own_unit(db: Database) -> None:
    async def other() -> None:
        async with db.session() as session:
            await session.execute(text("INSERT INTO t VALUES (2)"))

    with pytest.raises(ZeroDivisionError):
        async with db.session() as session:
            await session.execute(text("INSERT INTO t VALUES (1)"))
            task = asyncio.create_task(other())
            await asyncio.sleep(0.05)
            raise ZeroDivisionError
    await task
    assert await _numbers(db) == [2]


async def test_a_reader_does_not_turn_into_a_writer(db: Database) -> None:
    async with db.reading():
        with pytest.raises(RuntimeError, match="only reads"):
            async with db.session():
                pass


async def test_is_durable_and_checks_references(db: Database) -> None:
    async with db.reading() as session:
        assert await session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await session.scalar(text("PRAGMA synchronous")) == 2
        assert await session.scalar(text("PRAGMA foreign_keys")) == 1


async def test_a_database_in_trouble_is_unavailable(db: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        async with db.session() as session:
            await session.execute(text("PRAGMA max_page_count = 2"))
            await session.execute(text("CREATE TABLE big (t TEXT)"))
            await session.execute(text("INSERT INTO big VALUES (zeroblob(1000000))"))
    assert (raised.value.status, raised.value.retry_after) == (503, 2)
    assert "full" in str(raised.value.__cause__)


async def test_an_error_does_not_quote_what_was_to_be_written(db: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        async with db.session() as session:
            await session.execute(text("PRAGMA query_only = ON"))
            await session.execute(text("INSERT INTO t VALUES (:secret)"), {"secret": "$argon2id$planted"})
    assert "planted" not in str(raised.value.__cause__)
