"""Brings the database's tables to the present form, by Alembic."""

import contextlib
import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import Connection

from rostrum.kit.db import Database

_LOCK = 0x526F7374
"""Any number that nobody else takes: PostgreSQL's advisory locks are one namespace a database."""
_HERE = Path(__file__).resolve().parent


def migrations_folder() -> Path:
    """The migrations: inside the package where it was installed from a wheel, beside src in a checkout."""
    installed = _HERE / "migrations"
    return installed if installed.is_dir() else _HERE.parents[1] / "migrations"


def config(connection: Connection) -> Config:
    """Alembic's configuration, over a connection that is open already."""
    made = Config()
    made.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


async def upgrade(db: Database) -> None:
    """Apply all migrations that are missing, in one transaction; nothing happens where none is.

    Raises:
        DatabaseUnavailable: the database is away.
    """
    if db.is_sqlite:
        _make_private(db.engine.url.database)
    async with db.connection() as connection:
        if not db.is_sqlite:  # Several servers may start at once; SQLite's transaction is a lock by itself.
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))


def _make_private(path: str | None) -> None:
    """Make a new SQLite file that its owner alone can read, whatever the folder allows; an old one stays as it is.

    SQLite itself goes by the umask, and gives its journals the rights of the file.
    """
    if not path or path == ":memory:":
        return
    with contextlib.suppress(OSError):  # It exists, or SQLite says in a moment why it cannot.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
