"""Every query on sessions."""

from collections.abc import Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.live.models import LiveParticipant, LiveSession


async def unfinished(session: AsyncSession, room_id: str | None = None) -> Sequence[LiveSession]:
    """Sessions that run, or that a server left open when it was killed, of one room or of all; newest last."""
    query = select(LiveSession).where(LiveSession.ended_at.is_(None)).order_by(LiveSession.started_at)
    if room_id is not None:
        query = query.where(LiveSession.room_id == room_id)
    return (await session.scalars(query)).all()


async def removed_subjects(session: AsyncSession, session_id: str) -> set[str]:
    """Whom a host has removed from a session."""
    query = select(LiveParticipant.subject).where(
        LiveParticipant.session_id == session_id, LiveParticipant.removed.is_(True)
    )
    return set(await session.scalars(query))


async def take_over(session: AsyncSession, session_id: str, leader: str) -> bool:
    """Let a node lead a session that has lost its own; False: it has ended."""
    query = update(LiveSession).where(LiveSession.id == session_id, LiveSession.ended_at.is_(None))
    return (await session.execute(query.values(leader=leader).returning(LiveSession.id))).first() is not None


async def led_by(session: AsyncSession, sessions: Sequence[str], *, keep: bool = False) -> dict[str, str | None]:
    """Session → the node that leads it, of those of these that there are; `keep`: so until the transaction ends."""
    query = select(LiveSession.id, LiveSession.leader).where(LiveSession.id.in_(sessions))
    if keep:
        query = query.with_for_update()
    return {row.id: row.leader for row in await session.execute(query)}


async def end_session(session: AsyncSession, session_id: str, moment: int, leader: str | None = None) -> None:
    """Mark a session and whoever is still in it as gone; nothing happens if another node than `leader` leads it."""
    query = update(LiveSession).where(LiveSession.id == session_id)
    if leader is not None:
        query = query.where(or_(LiveSession.leader == leader, LiveSession.leader.is_(None)))
    if (await session.execute(query.values(ended_at=moment).returning(LiveSession.id))).first() is None:
        return
    await session.execute(
        update(LiveParticipant)
        .where(LiveParticipant.session_id == session_id, LiveParticipant.left_at.is_(None))
        .values(left_at=moment)
    )


async def end_stay(session: AsyncSession, participant_id: str, moment: int, removed: bool) -> None:
    """Mark a participant as gone."""
    await session.execute(
        update(LiveParticipant).where(LiveParticipant.id == participant_id).values(left_at=moment, removed=removed)
    )


async def mark_removed(session: AsyncSession, session_id: str, subject: str, moment: int) -> None:
    """Note that a host has sent somebody out of a session, in each of their windows."""
    stays = update(LiveParticipant).where(LiveParticipant.session_id == session_id, LiveParticipant.subject == subject)
    await session.execute(stays.values(removed=True))
    await session.execute(stays.where(LiveParticipant.left_at.is_(None)).values(left_at=moment))


async def end_open_stays(session: AsyncSession, session_id: str, moment: int) -> None:
    """Mark everybody as gone who is still noted as present in a session."""
    await session.execute(
        update(LiveParticipant)
        .where(LiveParticipant.session_id == session_id, LiveParticipant.left_at.is_(None))
        .values(left_at=moment)
    )


async def set_role(session: AsyncSession, participant_id: str, role: str) -> None:
    """Note a participant's new role."""
    await session.execute(update(LiveParticipant).where(LiveParticipant.id == participant_id).values(role=role))


async def set_locked(session: AsyncSession, session_id: str, locked: bool) -> None:
    """Note that a session takes no new viewers, or takes them again."""
    await session.execute(update(LiveSession).where(LiveSession.id == session_id).values(locked=locked))


async def stays_of(session: AsyncSession, subject: str) -> Sequence[LiveParticipant]:
    """Each time that somebody was in a session, oldest first."""
    query = select(LiveParticipant).where(LiveParticipant.subject == subject).order_by(LiveParticipant.joined_at)
    return (await session.scalars(query)).all()


async def make_anonymous(session: AsyncSession, subject: str) -> None:
    """Take somebody's name off the records of sessions."""
    query = update(LiveParticipant).where(LiveParticipant.subject == subject)
    await session.execute(query.values(name="Deleted user").execution_options(synchronize_session=False))


async def disown(session: AsyncSession, tenant_id: str, owner_id: str) -> None:
    """Forget whose rooms the sessions of a user's rooms were in."""
    query = update(LiveSession).where(LiveSession.tenant_id == tenant_id, LiveSession.owner_id == owner_id)
    await session.execute(query.values(owner_id=None).execution_options(synchronize_session=False))
