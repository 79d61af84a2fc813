"""Every query on files."""

from collections.abc import Sequence

from sqlalchemy import and_, column, delete, func, or_, select, table, update
from sqlalchemy.ext.asyncio import AsyncSession

from rostrum.files.models import RoomFile

_ROOMS = table("rooms", column("id"))


async def by_name(session: AsyncSession, room_id: str, name_or_id: str) -> RoomFile | None:
    """The room's file with this name or this id; no name has the form of an id."""
    named = or_(RoomFile.filename == name_or_id, RoomFile.id == name_or_id)
    return await session.scalar(select(RoomFile).where(RoomFile.room_id == room_id, named))


async def page(session: AsyncSession, room_id: str, *, limit: int, after: tuple[int, str] | None) -> Sequence[RoomFile]:
    """Up to `limit` files of a room behind a position, the newest first."""
    query = select(RoomFile).where(RoomFile.room_id == room_id)
    if after is not None:
        moment, file_id = after
        same = and_(RoomFile.uploaded_at == moment, RoomFile.id < file_id)
        query = query.where(or_(RoomFile.uploaded_at < moment, same))
    return (await session.scalars(query.order_by(RoomFile.uploaded_at.desc(), RoomFile.id.desc()).limit(limit))).all()


async def usage(session: AsyncSession, room_id: str) -> int:
    """Bytes that the files of a room take together."""
    query = select(func.coalesce(func.sum(RoomFile.size), 0)).where(RoomFile.room_id == room_id)
    return int(await session.scalar(query) or 0)


async def take_turn(session: AsyncSession, room_id: str) -> bool:
    """Make those who add files to this room wait for one another until the commit; False: the room is gone."""
    query = select(_ROOMS.c.id).where(_ROOMS.c.id == room_id)
    return await session.scalar(query.with_for_update(key_share=True)) is not None  # Chat in it goes on meanwhile.


async def ids_of_room(session: AsyncSession, room_id: str) -> Sequence[str]:
    """The ids of all files of a room."""
    return (await session.scalars(select(RoomFile.id).where(RoomFile.room_id == room_id))).all()


async def uploaded_by(session: AsyncSession, uploader: str) -> Sequence[RoomFile]:
    """All files of somebody, the oldest first."""
    query = select(RoomFile).where(RoomFile.uploader == uploader).order_by(RoomFile.uploaded_at, RoomFile.id)
    return (await session.scalars(query)).all()


async def disown(session: AsyncSession, uploader: str) -> None:
    """Forget who uploaded somebody's files."""
    query = update(RoomFile).where(RoomFile.uploader == uploader)
    await session.execute(query.values(uploader="").execution_options(synchronize_session=False))


async def remove(session: AsyncSession, ids: Sequence[str]) -> Sequence[str]:
    """Delete rows; the keys of those that were still there."""
    query = delete(RoomFile).where(RoomFile.id.in_(ids)).returning(RoomFile.object_key)
    return (await session.scalars(query)).all()


async def known_keys(session: AsyncSession, keys: Sequence[str]) -> set[str]:
    """Those of the keys that belong to a file."""
    query = select(RoomFile.object_key).where(RoomFile.object_key.in_(keys))
    return set((await session.scalars(query)).all())
