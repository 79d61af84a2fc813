"""Group commit: many callers, few transactions, everybody answered, nobody spoils another's."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from rostrum.kit.db import Database, DatabaseUnavailable
from rostrum.kit.errors import Unavailable
from rostrum.kit.groupcommit import GroupCommit, TooManyWaiting
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession


class Shelf:
    """A table of numbers that is filled by group commit; remembers how that went."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = Database(f"sqlite+aiosqlite:///{path}")
        self.batches: list[list[int]] = []
        self.told: list[int] = []
        self.group = GroupCommit[int, str](self.db, self._write, self._committed, largest=8, waiting=50)

    async def _write(self, session: AsyncSession, items: Sequence[int]) -> list[str]:
        self.batches.append(list(items))
        for item in items:
            await session.execute(text("INSERT INTO t VALUES (:n)"), {"n": item})
        return [f"stored {item}" for item in items]

    def _committed(self, item: int, _result: str) -> None:
        assert item in self.on_disk(), "told before the commit"
        self.told.append(item)
        if item == 666:
            raise RuntimeError("whoever is told may fail")

    def on_disk(self) -> list[int]:
        """What another program finds in the file."""
        with sqlite3.connect(self.path) as other:
            return [number for (number,) in other.execute("SELECT n FROM t ORDER BY rowid")]


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    made = Shelf(tmp_path / "x.db")
    async with made.db.session() as session:
        await session.execute(text("CREATE TABLE t (n INTEGER UNIQUE CHECK (n >= 0))"))
    yield made
    await made.group.close()
    await made.db.close()


async def test_many_callers_share_few_transactions(shelf: Shelf) -> None:
    answers = await asyncio.gather(*(shelf.group.store(number) for number in range(20)))
    assert answers == [f"stored {number}" for number in range(20)]
    assert [len(batch) for batch in shelf.batches] == [8, 8, 4]
    assert shelf.told == shelf.on_disk() == list(range(20))
    assert await shelf.group.store(20) == "stored 20"


async def test_one_that_spoils_it_fails_alone(shelf: Shelf) -> None:
    wanted = [0, 1, -1, 2, 3, 3, 4]
    answers = await asyncio.gather(*(shelf.group.store(number) for number in wanted), return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers] == [False, False, True, False, False, True, False]
    assert answers[2] is not answers[5]
    assert shelf.told == shelf.on_disk() == [0, 1, 2, 3, 4]


async def test_a_full_disk_fails_all_of_the_batch_and_passes(shelf: Shelf) -> None:
    pages = 1_000_000

    @event.listens_for(shelf.db.engine.sync_engine, "begin")
    def _limit(connection: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    async with shelf.db.session() as session:
        await session.execute(text("CREATE TABLE large (b BLOB)"))
    pages = 1  # As many as there are: each row needs more.
    wide = GroupCommit[bytes, None](shelf.db, _write_wide, lambda _item, _result: None)
    answers = await asyncio.gather(*(wide.store(b"x" * 9000) for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 5
    assert len({id(answer) for answer in answers}) == 5
    pages = 1_000_000
    await asyncio.gather(*(wide.store(b"x" * 9000) for _ in range(5)))
    with sqlite3.connect(shelf.path) as other:
        assert other.execute("SELECT count(*) FROM large").fetchone() == (5,)


async def _write_wide(session: AsyncSession, items: Sequence[bytes]) -> list[None]:
    await session.execute(text("INSERT INTO large VALUES (:b)"), [{"b": item} for item in items])
    return [None for _ in items]


async def test_the_queue_is_bounded(shelf: Shelf) -> None:
    answers = await asyncio.gather(*(shelf.group.store(number) for number in range(60)), return_exceptions=True)
    assert [type(answer) for answer in answers[50:]] == [TooManyWaiting] * 10
    assert shelf.on_disk() == list(range(50))


async def test_a_caller_who_goes_away_changes_nothing(shelf: Shelf) -> None:
    callers = [asyncio.create_task(shelf.group.store(number)) for number in (1, 666, 2)]
    await asyncio.sleep(0)
    callers[0].cancel()
    assert await asyncio.gather(*callers[1:]) == ["stored 666", "stored 2"]
    assert shelf.told == shelf.on_disk() == [1, 666, 2]


async def test_the_end_stores_what_waits_and_takes_no_more(shelf: Shelf) -> None:
    callers = [asyncio.create_task(shelf.group.store(number)) for number in range(20)]
    await asyncio.sleep(0)
    await shelf.group.close()
    assert len(await asyncio.gather(*callers)) == len(shelf.on_disk()) == 20
    with pytest.raises(Unavailable):
        await shelf.group.store(99)
    await shelf.group.close()
