"""Queries in their quick form: the same answers as the ordinary way, and nothing that stalls the event loop."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rostrum.kit.db import Database
from rostrum.kit.pagination import Position
from rostrum.kit.queries import Query, QuickReader
from rostrum.rooms import store
from rostrum.rooms.info import RoomFilter
from rostrum.rooms.models import Room
from rostrum.tenants.models import Tenant
from sqlalchemy import Integer, String, bindparam, column, literal, select, text

TENANT = "6" * 24
COUNT = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) AS number FROM n"
)


@pytest.fixture
async def db(tmp_path: Path, migrated: Path) -> AsyncIterator[Database]:
    (tmp_path / "rostrum.db").write_bytes(migrated.read_bytes())
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'rostrum.db'}")
    async with made.session() as session:
        session.add(Tenant(id=TENANT, name="Tenant", package="professional", created_at=1))
        await session.flush()
        session.add_all([_room(f"room-{number}", f"Room {number}") for number in range(5)])
    yield made
    await made.close()


def _room(room_id: str, name: str, *, private: bool = False) -> Room:
    return Room(
        id=room_id,
        tenant_id=TENANT,
        owner_id="somebody",
        name=name,
        type="webinar",
        is_private=private,
        open=False,
        p2p=False,
        max_participants=None,
        created_at=len(name),
    )


async def test_a_read_sees_what_was_committed_before_it(db: Database) -> None:
    assert await store.by_id(db, "new") is None
    async with db.session() as session:
        session.add(_room("new", "New"))
        async with asyncio.timeout(5):
            assert await asyncio.create_task(store.by_id(db, "new")) is None, "another task saw an open transaction"
    found = await store.by_id(db, "new")
    assert found is not None and found.name == "New" and found.is_private is False


async def test_inside_of_a_transaction_a_query_sees_it(db: Database) -> None:
    async with db.session() as session:
        session.add(_room("inside", "Inside"))
        await session.flush()
        assert (await store.by_id(db, "inside")) is not None


@pytest.mark.parametrize("owner", [{}, {"owner_id": "somebody"}])
@pytest.mark.parametrize("oldest_first", [False, True])
async def test_a_list_of_rooms_is_read_in_order_and_not_sorted(
    db: Database, owner: dict[str, str], oldest_first: bool
) -> None:
    compiled = store._page(tuple(owner), oldest_first, follows=True).for_sqlite(db.engine.dialect)
    values = {"tenant_id": TENANT, "limit": 3, **Position(5, "room-2").values, **owner}
    async with db.reading() as session:
        asked = await (await session.connection()).exec_driver_sql(
            f"EXPLAIN QUERY PLAN {compiled.sql}", tuple(compiled.bound(values))
        )
        rows = asked.all()
    plan = [row[-1] for row in rows]
    assert len(plan) == 1, plan
    assert "USING INDEX ix_rooms_tenant_" in plan[0]


async def test_a_filter_means_its_text_and_no_pattern(db: Database) -> None:
    async with db.session() as session:
        session.add_all([_room("percent", "100% sure"), _room("under", "a_b"), _room("back", "a\\b")])
    for name, expected in (("0% S", ["percent"]), ("_", ["under"]), ("\\", ["back"]), ("%", ["percent"]), ("'--", [])):
        found = await store.page(db, TENANT, RoomFilter(name=name), limit=10, after=None)
        assert [room.id for room in found] == expected, name
    private = await store.page(db, TENANT, RoomFilter(is_private=True), limit=10, after=None)
    assert private == []


async def test_a_value_that_is_missing_is_no_null(db: Database) -> None:
    query = Query(select(Room.id).where(Room.id == bindparam("room_id")), str)
    with pytest.raises(KeyError):
        await db.all(query)


async def test_a_statement_that_takes_too_long_goes_on_in_a_thread(db: Database) -> None:
    query = Query(COUNT.columns(column("number", Integer)).subquery().select(), int)
    assert await db.first(query) == 400_000


async def test_it_is_interrupted_on_the_event_loop(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine that is busy with other things must not look like a slow disk here.
    monkeypatch.setattr("rostrum.kit.queries.SLOW_SECONDS", 60.0)
    query = Query(COUNT.columns(column("number", Integer)).subquery().select(), int)
    reader = QuickReader(db.engine.url.database or "", lambda told: told)
    assert reader.rows(query, {}) is None
    short = Query(select(literal("here", String)), str)
    assert reader.rows(short, {}) == [("here",)]
    reader.close()


async def test_reads_go_on_while_another_process_holds_the_write_lock(db: Database) -> None:
    other = sqlite3.connect(db.engine.url.database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(2):
        assert await store.by_id(db, "room-1") is not None
    other.execute("ROLLBACK")
    other.close()


async def test_the_quick_connection_cannot_write(db: Database) -> None:
    reader = QuickReader(db.engine.url.database or "", lambda told: told)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._opened().execute("DELETE FROM rooms")
    reader.close()
    assert await store.by_id(db, "room-1") is not None
