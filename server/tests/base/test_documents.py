"""Documents and code agree, and so do migrations and models."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from rostrum import documents
from rostrum.kit.db import Base, Database
from rostrum.kit.errors import RostrumError
from rostrum.migrate import config, upgrade
from sqlalchemy import inspect, text

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_settings_page() -> None:
    assert (DOCS / "settings.md").read_text() == documents.settings_markdown(), "Run `make docs`."


def test_errors_page() -> None:
    assert (DOCS / "errors.md").read_text() == documents.errors_markdown(), "Run `make docs`."


def _own_codes() -> Iterable[tuple[str, type[RostrumError]]]:
    for error in documents.every_error():
        if "code" in vars(error):
            yield error.code, error


def test_a_code_belongs_to_one_error() -> None:
    seen: dict[str, type[RostrumError]] = {}
    for code, error in _own_codes():
        assert code not in seen, f"{code} is both {seen.get(code)} and {error}"
        seen[code] = error


@pytest.mark.parametrize("error", [error for _, error in _own_codes()], ids=lambda error: error.__name__)
def test_an_error_speaks_to_people(error: type[RostrumError]) -> None:
    # The original contract has one sentence of its own, word for word.
    if error.sentence != "not currently in a room":
        assert error.sentence[0].isupper()
        assert error.sentence.endswith(".")
    assert error.__doc__
    assert 400 <= error.status < 600


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table; the URL."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'm.db'}"
        return
    cluster = request.getfixturevalue("cluster")
    cluster.sql("CREATE DATABASE empty")
    yield cluster.url("empty")
    cluster.sql("DROP DATABASE empty WITH (FORCE)")


async def test_migrations_make_what_the_models_say(empty_database: str) -> None:
    db = Database(empty_database)
    await upgrade(db)
    await upgrade(db)  # Again: nothing happens.
    async with db.connection() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), Base.metadata)
        )
    await db.close()
    assert differences == []


async def test_sessions_keep_their_stays_when_they_leave_their_room(empty_database: str) -> None:
    db = Database(empty_database)
    rows = (
        "INSERT INTO tenants VALUES ('t', 'T', 'professional', 1)",
        "INSERT INTO rooms VALUES ('r', 't', 'u', 'R', 'live', FALSE, FALSE, FALSE, NULL, 1)",
        "INSERT INTO live_sessions VALUES ('s', 't', 'r', 1, 2, FALSE)",
        "INSERT INTO live_participants VALUES ('p', 's', 'u', 'U', 'host', 1, 2, FALSE)",
    )
    async with db.connection() as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "0005_files"))
        for row in rows:
            await connection.execute(text(row))
    await upgrade(db)
    async with db.connection() as connection:
        sessions = (await connection.execute(text("SELECT id, room_id, room_type, owner_id FROM live_sessions"))).all()
        assert [tuple(row) for row in sessions] == [("s", "r", "live", "u")]
        assert (await connection.execute(text("SELECT count(*) FROM live_participants"))).scalar() == 1
        await connection.execute(text("DELETE FROM rooms"))
    async with db.connection() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM live_participants"))).scalar() == 1
        await connection.run_sync(lambda sync: command.downgrade(config(sync), "0005_files"))
        assert (await connection.execute(text("SELECT count(*) FROM live_sessions"))).scalar() == 0
    await upgrade(db)
    await db.close()


async def test_migrations_go_back_and_forth(empty_database: str) -> None:
    db = Database(empty_database)
    await upgrade(db)
    async with db.connection() as connection:
        await connection.run_sync(lambda sync: command.downgrade(config(sync), "base"))
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert left == ["alembic_version"]
    await upgrade(db)
    await db.close()


async def test_two_starts_at_once_migrate_once(empty_database: str) -> None:
    databases = [Database(empty_database) for _ in range(2)]
    await asyncio.gather(*(upgrade(db) for db in databases))
    for db in databases:
        await db.close()
