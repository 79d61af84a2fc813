"""Every query on chat messages."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.chat.models import ChatMessage


async def by_client_id(session: AsyncSession, room_id: str, subject: str, client_id: str) -> ChatMessage | None:
    """The message that a client has sent under its own id."""
    query = select(ChatMessage).where(
        ChatMessage.room_id == room_id, ChatMessage.subject == subject, ChatMessage.client_id == client_id
    )
    return await session.scalar(query)


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
