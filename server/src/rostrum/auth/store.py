"""Every query on users."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.auth.models import User


async def by_email(session: AsyncSession, tenant_id: str, email_key: str) -> User | None:
    """The tenant's user with this address (in lower case)."""
    return await session.scalar(select(User).where(User.tenant_id == tenant_id, User.email_key == email_key))


async def by_id(session: AsyncSession, tenant_id: str, user_id: str) -> User | None:
    """The tenant's user with this id."""
    return await session.scalar(select(User).where(User.tenant_id == tenant_id, User.id == user_id))
