"""The FastAPI peer of bench/rest.py: the same routes on the same database, the way FastAPI's own tutorial teaches it.

`response_model` on each route, an asynchronous SQLAlchemy session by dependency, `OAuth2PasswordBearer` and
`jwt.decode` at each request. It checks no API key, counts no tries, writes no access log and gives requests no ids.
"""

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from sqlalchemy import JSON, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TOLD = json.loads(Path(os.environ["BENCH_CONFIGURATION"]).read_text())

engine = create_async_engine(f"sqlite+aiosqlite:///{TOLD['database']}")
sessions = async_sessionmaker(engine, expire_on_commit=False)
token_of = OAuth2PasswordBearer(tokenUrl="token")


class Base(DeclarativeBase):
    """The base of the tables."""


class Room(Base):
    """The table of rooms."""

    __tablename__ = "rooms"
    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    owner_id: Mapped[str | None]
    name: Mapped[str]
    type: Mapped[str]
    is_private: Mapped[bool]
    p2p: Mapped[bool]
    max_participants: Mapped[int | None]
    created_at: Mapped[int]


class Meeting(Base):
    """The table of meetings."""

    __tablename__ = "meetings"
    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    host_id: Mapped[str]
    room_id: Mapped[str | None]
    title: Mapped[str]
    transcript_enabled: Mapped[bool]
    summary_generated: Mapped[bool]
    recording_ids: Mapped[list[str]] = mapped_column(JSON)
    scheduled_at: Mapped[int | None]
    duration_minutes: Mapped[int | None]
    created_at: Mapped[int]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


Moment = Annotated[datetime, PlainSerializer(_iso)]


class PublicRoom(BaseModel):
    """What anyone who may enter sees."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    type: str
    is_private: bool = Field(serialization_alias="isPrivate")
    live: bool = False


class ListedRoom(BaseModel):
    """A room as its owner sees it."""

    id: str
    name: str
    type: str
    p2p: bool
    max_participants: int | None = Field(serialization_alias="maxParticipants")
    is_private: bool = Field(serialization_alias="isPrivate")
    join_url: str = Field(serialization_alias="joinUrl")
    owner_id: str | None = Field(serialization_alias="ownerId")
    live: bool
    created_at: Moment = Field(serialization_alias="createdAt")


class MeetingOut(BaseModel):
    """A meeting."""

    model_config = ConfigDict(from_attributes=True)
    id: str = Field(serialization_alias="_id")
    title: str
    host_id: str = Field(serialization_alias="hostId")
    room_id: str | None = Field(serialization_alias="roomId")
    transcript_enabled: bool = Field(serialization_alias="transcriptEnabled")
    summary_generated: bool = Field(serialization_alias="summaryGenerated")
    recording_ids: list[str] = Field(serialization_alias="recordingIds")
    scheduled_at: Moment | None = Field(serialization_alias="scheduledAt")
    duration_minutes: int | None = Field(serialization_alias="durationMinutes")
    created_at: Moment = Field(serialization_alias="createdAt")


class OneRoom(BaseModel):
    """Answer of GET /v1/rooms/:id."""

    success: bool
    data: PublicRoom
    msg: str


class Rooms(BaseModel):
    """Answer of GET /v1/rooms."""

    success: bool
    data: list[ListedRoom]
    msg: str


class OneMeeting(BaseModel):
    """Answer of GET /v1/meetings/:id."""

    success: bool
    data: MeetingOut
    msg: str


class Meetings(BaseModel):
    """Answer of GET /meetings/list/:userId."""

    data: list[MeetingOut]


class User(BaseModel):
    """Who calls."""

    id: str
    tenant: str


async def session_of_request() -> AsyncIterator[AsyncSession]:
    """A session for one request."""
    async with sessions() as session:
        yield session


async def current_user(token: Annotated[str, Depends(token_of)]) -> User:
    """The user of the token."""
    try:
        body = jwt.decode(token, TOLD["secret"], algorithms=["HS256"], issuer="rostrum", audience="rostrum")
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Could not validate credentials") from None
    return User(id=body["sub"], tenant=body["tenant"])


Session = Annotated[AsyncSession, Depends(session_of_request)]
Current = Annotated[User, Depends(current_user)]
Limit = Annotated[int, Query(ge=1, le=200)]

app = FastAPI()


@app.get("/v1/rooms", response_model=Rooms)
async def list_rooms(user: Current, session: Session, limit: Limit = 50) -> Any:
    """The caller's rooms."""
    query = select(Room).where(Room.tenant_id == user.tenant, Room.owner_id == user.id)
    rows = (await session.scalars(query.order_by(Room.created_at.desc(), Room.id.desc()).limit(limit + 1))).all()
    return Rooms(success=True, data=[_listed(row) for row in rows[:limit]], msg="Rooms retrieved successfully!")


@app.get("/v1/rooms/{room_id}", response_model=OneRoom)
async def get_room(room_id: str, user: Current, session: Session) -> Any:
    """The public facts of a room."""
    row = await session.get(Room, room_id)
    if row is None or row.tenant_id != user.tenant or (row.is_private and row.owner_id != user.id):
        raise HTTPException(404, "Room not found")
    return OneRoom(success=True, data=PublicRoom.model_validate(row), msg="Room retrieved successfully!")


@app.get("/v1/meetings/{meeting_id}", response_model=OneMeeting)
async def get_meeting(meeting_id: str, user: Current, session: Session) -> Any:
    """One meeting."""
    row = await session.scalar(select(Meeting).where(Meeting.tenant_id == user.tenant, Meeting.id == meeting_id))
    if row is None or row.host_id != user.id:
        raise HTTPException(404, "Meeting not found")
    return OneMeeting(success=True, data=_meeting(row), msg="Meeting retrieved successfully!")


@app.get("/meetings/list/{user_id}", response_model=Meetings)
async def list_meetings(user_id: str, user: Current, session: Session, limit: Limit = 50) -> Any:
    """A host's meetings."""
    if user_id != user.id:
        raise HTTPException(403, "Not allowed")
    query = select(Meeting).where(Meeting.tenant_id == user.tenant, Meeting.host_id == user_id)
    rows = (await session.scalars(query.order_by(Meeting.created_at.desc(), Meeting.id.desc()).limit(limit + 1))).all()
    return Meetings(data=[_meeting(row) for row in rows[:limit]])


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _meeting(row: Meeting) -> MeetingOut:
    return MeetingOut(
        id=row.id,
        title=row.title,
        host_id=row.host_id,
        room_id=row.room_id,
        transcript_enabled=row.transcript_enabled,
        summary_generated=row.summary_generated,
        recording_ids=row.recording_ids,
        scheduled_at=None if row.scheduled_at is None else _moment(row.scheduled_at),
        duration_minutes=row.duration_minutes,
        created_at=_moment(row.created_at),
    )


def _listed(row: Room) -> ListedRoom:
    return ListedRoom(
        id=row.id,
        name=row.name,
        type=row.type,
        p2p=row.p2p,
        max_participants=row.max_participants,
        is_private=row.is_private,
        join_url=f"{TOLD['link']}/join/{row.id}#k={TOLD['key']}",
        owner_id=row.owner_id,
        live=False,
        created_at=_moment(row.created_at),
    )
