"""The unit of work: one transaction, writers in turn, nothing half done."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from rostrum.kit.db import Database
from rostrum.kit.dbfaults import DatabaseUnavailable, Unstorable
from rostrum.kit.dbpool import Pool
from rostrum.migrate import upgrade
from sqlalchemy import BigInteger, String, column, insert, select, table, text
from sqlalchemy.exc import IntegrityError

ROWS = table("t", column("n", BigInteger), column("t", String))


@pytest.fixture
async def db(new_database: Callable[[], str]) -> AsyncIterator[Database]:
    """On each kind of database."""
    made = Database(new_database())
    async with made.session() as session:
        await session.execute(text("CREATE TABLE t (n BIGINT, t TEXT)"))
    yield made
    await made.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    async with made.session() as session:
        await session.execute(text("CREATE TABLE t (n BIGINT, t TEXT)"))
    yield made
    await made.close()


async def _numbers(db: Database) -> list[int]:
    async with db.reading() as session:
        return list((await session.scalars(text("SELECT n FROM t ORDER BY n"))).all())


async def test_commits_at_the_end(db: Database) -> None:
    async with db.session() as session:
        await session.execute(text("INSERT INTO t (n) VALUES (1)"))
        assert await asyncio.create_task(_numbers(db)) == []
    assert await _numbers(db) == [1]


async def test_rolls_back_on_an_error_and_on_cancellation(db: Database) -> None:
    with pytest.raises(ValueError, match="stop"):
        async with db.session() as session:
            await session.execute(text("INSERT INTO t (n) VALUES (1)"))
            raise ValueError("stop")

    async def slow() -> None:
        async with db.session() as session:
            await session.execute(text("INSERT INTO t (n) VALUES (2)"))
            await asyncio.sleep(60)

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.session() as session:  # The turn of the cancelled writer is over.
        await session.execute(text("INSERT INTO t (n) VALUES (3)"))
    assert await _numbers(db) == [3]


async def test_many_writers_at_once(sqlite: Database) -> None:
    async def add(number: int) -> None:
        async with sqlite.session() as session:
            count = await session.scalar(text("SELECT count(*) FROM t"))
            await session.execute(text("INSERT INTO t (n) VALUES (:n)"), {"n": count})

    await asyncio.gather(*(add(number) for number in range(40)))
    assert await _numbers(sqlite) == list(range(40))


async def test_a_task_started_inside_has_its_own_unit(db: Database) -> None:
    async def other() -> None:
        async with db.session() as session:
            await session.execute(text("INSERT INTO t (n) VALUES (2)"))

    with pytest.raises(ZeroDivisionError):
        async with db.session() as session:
            await session.execute(text("INSERT INTO t (n) VALUES (1)"))
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


async def test_is_durable_and_checks_references(sqlite: Database) -> None:
    async with sqlite.reading() as session:
        assert await session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await session.scalar(text("PRAGMA synchronous")) == 2
        assert await session.scalar(text("PRAGMA foreign_keys")) == 1


async def test_a_new_file_is_its_owners(tmp_path: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    await upgrade(db)
    async with db.session() as session:
        await session.execute(text("UPDATE tenants SET name = name"))
        made = list(tmp_path.iterdir())
        assert len(made) >= 2  # The file and its journals.
        assert [path.stat().st_mode & 0o077 for path in made] == [0] * len(made)
    await db.close()


async def test_a_database_in_trouble_is_unavailable(sqlite: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        async with sqlite.session() as session:
            await session.execute(text("PRAGMA max_page_count = 2"))
            await session.execute(text("CREATE TABLE big (t TEXT)"))
            await session.execute(text("INSERT INTO big VALUES (zeroblob(1000000))"))
    assert (raised.value.status, raised.value.retry_after) == (503, 2)
    assert "full" in str(raised.value.__cause__)


async def test_an_error_does_not_quote_what_was_to_be_written(sqlite: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        async with sqlite.session() as session:
            await session.execute(text("PRAGMA query_only = ON"))
            await session.execute(text("INSERT INTO t (n) VALUES (:secret)"), {"secret": "$argon2id$planted"})
    assert "planted" not in str(raised.value.__cause__)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**200])
async def test_a_number_beyond_64_bits_is_the_callers_fault(db: Database, value: int) -> None:
    with pytest.raises(Unstorable) as raised:
        async with db.session() as session:
            await session.execute(insert(ROWS).values(n=value))
    assert raised.value.status == 400


async def test_an_unpaired_surrogate_is_the_callers_fault(db: Database) -> None:
    with pytest.raises(Unstorable):
        async with db.reading() as session:
            await session.execute(select(ROWS.c.n).where(ROWS.c.t == "\ud800"))


async def test_an_error_quotes_no_row(new_postgresql: Callable[[], str]) -> None:
    db = Database(new_postgresql())
    with pytest.raises(IntegrityError) as raised:
        async with db.session() as session:
            for number in range(2):
                await session.execute(text(f"INSERT INTO tenants VALUES ('{number}', 'planted', 'essential', 1)"))
    await db.close()
    told = "".join(traceback.format_exception(raised.value))
    assert "uq_tenants_name" in told and "DETAIL" not in told


@pytest.mark.parametrize(
    "state",
    ["08006", "25006", "40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "58030"],
)
async def test_what_passes_is_unavailable(new_postgresql: Callable[[], str], state: str) -> None:
    db = Database(new_postgresql())
    with pytest.raises(DatabaseUnavailable) as raised:
        async with db.session() as session:
            await session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"))
    assert raised.value.retry_after
    await db.ping()
    await db.close()


async def test_a_deadlock_is_unavailable_to_one_of_two(new_postgresql: Callable[[], str]) -> None:
    db = Database(new_postgresql())
    async with db.session() as session:
        await session.execute(text("CREATE TABLE t (n BIGINT)"))
        await session.execute(text("INSERT INTO t VALUES (1), (2)"))
    both = asyncio.Barrier(2)

    async def change(first: int, second: int) -> None:
        async with db.session() as session:
            await session.execute(text("UPDATE t SET n = n WHERE n = :n"), {"n": first})
            await both.wait()
            await session.execute(text("UPDATE t SET n = n WHERE n = :n"), {"n": second})

    ends = await asyncio.gather(change(1, 2), change(2, 1), return_exceptions=True)
    assert sorted(type(end) for end in ends if end) == [DatabaseUnavailable]
    await db.close()


async def test_a_lock_is_waited_for_within_bounds(new_postgresql: Callable[[], str]) -> None:
    db = Database(new_postgresql(), pool=Pool(statement=1))
    waited = Database(db.url, pool=Pool(connections=1, statement=0.2))
    async with db.session() as session:
        await session.execute(text("LOCK TABLE tenants"))
        with pytest.raises(DatabaseUnavailable):
            await asyncio.create_task(_count_tenants(waited))
    assert await _count_tenants(waited) == 0
    await db.close()
    await waited.close()


async def _count_tenants(db: Database) -> int:
    async with db.session() as session:
        return int(await session.scalar(text("SELECT count(*) FROM tenants")) or 0)


async def test_a_unit_that_stands_still_is_ended(new_postgresql: Callable[[], str]) -> None:
    db = Database(new_postgresql(), pool=Pool(statement=0.2))
    with pytest.raises(DatabaseUnavailable):
        async with db.session() as session:
            await session.execute(text("LOCK TABLE tenants"))
            await asyncio.sleep(1)
    assert await _count_tenants(db) == 0
    await db.close()


async def test_a_cancelled_statement_frees_its_connection(new_postgresql: Callable[[], str]) -> None:
    db = Database(new_postgresql(), pool=Pool(connections=1, wait=5))

    async def slow() -> None:
        async with db.session() as session:
            await session.execute(text("SELECT pg_sleep(60)"))

    for _ in range(3):
        task = asyncio.create_task(slow())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await _count_tenants(db) == 0
    await db.close()


async def test_several_who_make_a_file_at_once_wait_for_one_another(tmp_path: Path) -> None:
    """As several starts of the server do; turning a file to WAL is where SQLite itself does not wait."""
    for number in range(30):
        made = [Database(f"sqlite+aiosqlite:///{tmp_path}/{number}.db") for _ in range(4)]

        async def first(db: Database) -> None:
            async with db.connection() as connection:
                await connection.execute(text("SELECT 1"))

        await asyncio.gather(*map(first, made))
        for db in made:
            await db.close()
