"""Every query on chat messages."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.chat.models import ChatMessage

Key = tuple[str, str, str | None]
"""What makes a message the same when it is sent again: room, subject, the client's id."""

_KEY: Final = (ChatMessage.room_id, ChatMessage.subject, ChatMessage.client_id)
_STORED: Final = (ChatMessage.id, ChatMessage.position)
_INSERTS: Final = {
    dialect: insert(ChatMessage).on_conflict_do_nothing(index_elements=_KEY).returning(*_STORED)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


async def insert_new(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert messages in their order; the positions by id. One whose key is there already is left out."""
    # On the connection, since the session's own way to insert many costs several times as much a row.
    connection = await session.connection()
    inserted = await connection.execute(_INSERTS[connection.dialect.name], list(rows))
    return {row.id: row.position for row in inserted}


async def by_keys(session: AsyncSession, keys: Sequence[Key]) -> dict[Key, ChatMessage]:
    """The messages with these keys."""
    found = await session.scalars(select(ChatMessage).where(tuple_(*_KEY).in_(keys)))
    return {(row.room_id, row.subject, row.client_id): row for row in found}


async def latest(
    session: AsyncSession, room_id: str, *, limit: int, before: int | None = None
) -> Sequence[ChatMessage]:
    """Up to `limit` messages before a position, the newest first."""
    query = select(ChatMessage).where(ChatMessage.room_id == room_id)
    if before is not None:
        query = query.where(ChatMessage.position < before)
    return (await session.scalars(query.order_by(ChatMessage.position.desc()).limit(limit))).all()


async def written_by(session: AsyncSession, subject: str) -> Sequence[ChatMessage]:
    """All messages of somebody, oldest first."""
    query = select(ChatMessage).where(ChatMessage.subject == subject).order_by(ChatMessage.position)
    return (await session.scalars(query)).all()


async def make_anonymous(session: AsyncSession, subject: str) -> None:
    """Take somebody's name off their messages."""
    query = update(ChatMessage).where(ChatMessage.subject == subject)
    await session.execute(query.values(name="Deleted user").execution_options(synchronize_session=False))
