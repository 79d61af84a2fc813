"""Every query on users."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.auth.info import UserInfo
from rostrum.auth.models import EndedSession, PasswordReset, User
from rostrum.kit.db import Database
from rostrum.kit.queries import Query, columns
from rostrum.kit.upserts import insert_once


async def by_email(session: AsyncSession, tenant_id: str, email_key: str) -> User | None:
    """The tenant's user with this address (in lower case)."""
    return await session.scalar(select(User).where(User.tenant_id == tenant_id, User.email_key == email_key))


async def by_id(session: AsyncSession, tenant_id: str, user_id: str) -> User | None:
    """The tenant's user with this id."""
    return await session.scalar(select(User).where(User.tenant_id == tenant_id, User.id == user_id))


_INFO = Query(
    select(*columns(User, UserInfo)).where(User.tenant_id == bindparam("tenant_id"), User.id == bindparam("user_id")),
    UserInfo,
)
_ENDED = Query(select(EndedSession.id).where(EndedSession.user_id == bindparam("user_id")), str)


async def info_by_id(db: Database, tenant_id: str, user_id: str) -> UserInfo | None:
    """The tenant's user with this id, as others see it."""
    return await db.first(_INFO, tenant_id=tenant_id, user_id=user_id)


async def ended_sessions(db: Database, user_id: str) -> Sequence[str]:
    """The user's sessions that were logged out."""
    return await db.all(_ENDED, user_id=user_id)


async def generations(session: AsyncSession, users: Sequence[str]) -> dict[str, int]:
    """User → generation, of those of these users that there are."""
    rows = await session.execute(select(User.id, User.generation).where(User.id.in_(users)))
    return {row.id: row.generation for row in rows}


async def ended_among(session: AsyncSession, sessions: Sequence[str]) -> set[str]:
    """Those of these sessions that were logged out."""
    return set(await session.scalars(select(EndedSession.id).where(EndedSession.id.in_(sessions))))


async def end_session(session: AsyncSession, session_id: str, user_id: str, *, now: int, expires_at: int) -> None:
    """Note that a session was logged out (once), and forget those whose tokens have all expired anyway."""
    await session.execute(delete(EndedSession).where(EndedSession.expires_at < now))
    await insert_once(session, EndedSession, id=session_id, user_id=user_id, expires_at=expires_at)


async def set_password(session: AsyncSession, user_id: str, password_hash: str, *, generation: int) -> bool:
    """Store a new password, end all tokens and all links of before; False: another one was set since `generation`."""
    values = {"password_hash": password_hash, "generation": User.generation + 1}
    change = update(User).where(User.id == user_id, User.generation == generation).values(values).returning(User.id)
    changed = (await session.execute(change.execution_options(synchronize_session=False))).first() is not None
    await session.execute(delete(PasswordReset).where(PasswordReset.user_id == user_id))
    return changed


async def valid_reset(session: AsyncSession, tenant_id: str, digest: str, now: int) -> User | None:
    """The tenant's user whom this secret may give a new password."""
    query = (
        select(User)
        .join(PasswordReset, PasswordReset.user_id == User.id)
        .where(User.tenant_id == tenant_id, PasswordReset.hash == digest, PasswordReset.expires_at > now)
    )
    return await session.scalar(query)


async def take_reset(session: AsyncSession, digest: str) -> bool:
    """Use a secret up; False when it was used at this very moment by somebody else."""
    done = await session.execute(
        delete(PasswordReset).where(PasswordReset.hash == digest).returning(PasswordReset.hash)
    )
    return done.first() is not None


async def add_reset(session: AsyncSession, digest: str, user_id: str, *, now: int, expires_at: int) -> None:
    """Note a link to a new password; an earlier one of the user's, and all that are too old, end."""
    # Two links made at once take turns at the user, so that the second one ends the first.
    if await session.scalar(select(User.id).where(User.id == user_id).with_for_update(key_share=True)) is None:
        return
    await session.execute(
        delete(PasswordReset).where(or_(PasswordReset.user_id == user_id, PasswordReset.expires_at < now))
    )
    session.add(PasswordReset(hash=digest, user_id=user_id, expires_at=expires_at))


async def delete_user(session: AsyncSession, user_id: str) -> None:
    """Remove an account with all that hangs on it here."""
    await session.execute(delete(User).where(User.id == user_id))
