"""Inserts that do not fail when somebody else was quicker. To look first and insert then is a race on PostgreSQL."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.kit.db import Base

_INSERTS: Final[dict[str, Callable[..., Any]]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


async def insert_once(session: AsyncSession, table: type[Base], **values: object) -> bool:
    """Insert a row, unless one that it collides with is there; tells whether it was inserted."""
    statement = (await _insert(session, table)).values(**values).on_conflict_do_nothing()
    return (await session.execute(statement.returning(*inspect(table).primary_key))).first() is not None


async def put(session: AsyncSession, table: type[Base], **values: object) -> None:
    """Insert a row, or give the one with the same primary key these values."""
    key = inspect(table).primary_key
    others = {name: value for name, value in values.items() if name not in {column.name for column in key}}
    statement = (await _insert(session, table)).values(**values)
    await session.execute(statement.on_conflict_do_update(index_elements=key, set_=others))


async def _insert(session: AsyncSession, table: type[Base]) -> Any:
    return _INSERTS[(await session.connection()).dialect.name](table)
