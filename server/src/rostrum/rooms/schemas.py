"""What crosses the wire about rooms."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from fastapi import Query
from pydantic import AliasChoices, ConfigDict, Field, StrictBool

from rostrum.auth import JoinToken, RoomRole
from rostrum.kit import clock
from rostrum.kit.answers import Out
from rostrum.kit.inputs import Input, Line, Moment, Reference, Wanted, one_of, spelt
from rostrum.rooms.info import RoomFilter, RoomInfo
from rostrum.rooms.keeper import RoomChange
from rostrum.rooms.service import NewRoom, RoomType

Participants = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class CreateRoomInput(Input):
    """Body of POST /room/create."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Haseeb Asif", "type": "conference", "isPrivate": False}}
    )

    name: Line
    type: RoomType
    max_participants: Participants | None = Field(None, alias="maxParticipants")
    is_private: StrictBool = Field(False, alias="isPrivate")
    p2p: StrictBool = False
    owner_id: str | None = Field(
        None, validation_alias=AliasChoices("ownerId", "hostId", "userId", "userID"), max_length=64
    )

    def to_new_room(self) -> NewRoom:
        """The wish for the service."""
        return NewRoom(self.name, self.type, self.is_private, self.p2p, self.max_participants, self.owner_id)


class ChangeRoomInput(Input):
    """Body of PATCH /v1/rooms/:roomId; what is left out stays. `maxParticipants: null` takes the limit away."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "All hands", "maxParticipants": 500}})

    name: Line | None = None
    max_participants: Participants | None = Field(None, alias="maxParticipants")
    is_private: StrictBool | None = Field(None, alias="isPrivate")

    def to_change(self) -> RoomChange:
        """The wish for the service."""
        sized = "max_participants" in self.model_fields_set
        return RoomChange(self.name, self.is_private, self.max_participants, sized)


async def room_filter(
    owner_id: Annotated[
        Reference | None, Wanted, Query(alias="ownerId", description="Rooms of this user alone.")
    ] = None,
    type_: Annotated[RoomType | None, Wanted, Query(alias="type", description="Rooms of this type alone.")] = None,
    is_private: Annotated[
        bool | None, Wanted, Query(alias="isPrivate", description="Private rooms alone, or the others alone.")
    ] = None,
    name: Annotated[Line | None, Wanted, Query(description="A part of the name.")] = None,
    since: Annotated[Moment | None, Wanted, Query(description="Made at this moment or later.")] = None,
    until: Annotated[Moment | None, Wanted, Query(description="Made at this moment or before.")] = None,
    order: Annotated[Literal["newest", "oldest"], Query(description="Which come first.")] = "newest",
    owner_snake: Annotated[Reference | None, Wanted, spelt("owner_id")] = None,
    user_id: Annotated[Reference | None, Wanted, spelt("userId")] = None,
    user_capitals: Annotated[Reference | None, Wanted, spelt("userID")] = None,
    private_snake: Annotated[bool | None, Wanted, spelt("is_private")] = None,
) -> RoomFilter:
    """The parameters of GET /v1/rooms."""
    owner = one_of(owner_id, owner_snake, user_id, user_capitals)
    private = one_of(is_private, private_snake)
    return RoomFilter(owner, type_, private, name, since, until, oldest_first=order == "oldest")


class InvitationInput(Input):
    """Body of POST /v1/rooms/:roomId/invitations."""

    model_config = ConfigDict(json_schema_extra={"example": {"role": "cohost", "name": "Carl"}})

    role: RoomRole
    name: Line | None = None
    expires_at: Moment | None = Field(None, alias="expiresAt")


class GuestInput(Input):
    """Body of POST /v1/rooms/:roomId/guest-token."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Gus"}})

    name: Line


class RoomOut(Out):
    """A room."""

    EXAMPLE: ClassVar = {
        "id": "68aff60d0d7bbb02c917906d",
        "name": "Haseeb Asif",
        "type": "conference",
        "p2p": False,
        "maxParticipants": None,
        "isPrivate": False,
        "joinUrl": "https://webinar.example/join/68aff60d0d7bbb02c917906d#k=rk_pub_…",
    }
    id: str
    name: str
    type: RoomType
    p2p: bool = Field(alias="p2p")
    max_participants: int | None
    is_private: bool
    join_url: str


class ListedRoomOut(RoomOut):
    """A room as its owner sees it. No owner: it belongs to the tenant."""

    EXAMPLE: ClassVar = {
        **RoomOut.EXAMPLE,
        "ownerId": "68de7a9d8f40ff41c940c7fb",
        "live": False,
        "createdAt": "2025-10-14T13:08:09.559Z",
    }
    owner_id: str | None
    live: bool
    created_at: datetime


class PublicRoomOut(Out):
    """What anyone who may enter sees before entering."""

    EXAMPLE: ClassVar = {
        "id": "68aff60d0d7bbb02c917906d",
        "name": "Haseeb Asif",
        "type": "webinar",
        "isPrivate": False,
        "live": True,
    }
    id: str
    name: str
    type: RoomType
    is_private: bool
    live: bool


class TokenOut(Out):
    """A token that opens one room, with what it grants."""

    EXAMPLE: ClassVar = {"token": "eyJhbGciOi…", "role": "viewer", "expiresAt": "2025-10-15T13:08:09.559Z"}
    token: str
    role: RoomRole
    expires_at: datetime


class InvitationOut(TokenOut):
    """An invitation, with the link that carries it."""

    EXAMPLE: ClassVar = {
        **TokenOut.EXAMPLE,
        "role": "cohost",
        "url": "https://webinar.example/join/68aff60d0d7bbb02c917906d#k=rk_pub_…&t=eyJhbGciOi…",
    }
    url: str


class CohostOut(Out):
    """A user's lasting role in a room."""

    EXAMPLE: ClassVar = {"userId": "68de7a9d8f40ff41c940c7fb", "role": "cohost"}
    user_id: str
    role: RoomRole


def room_body(room: RoomInfo, join_url: str) -> dict[str, Any]:
    """A room as the seed's example shows one, with what the contract adds."""
    return {
        "id": room.id,
        "name": room.name,
        "type": room.type,
        "p2p": room.p2p,
        "maxParticipants": room.max_participants,
        "isPrivate": room.is_private,
        "joinUrl": join_url,
    }


def listed_body(room: RoomInfo, join_url: str, live: bool) -> dict[str, Any]:
    """A room as its owner sees it."""
    return {
        **room_body(room, join_url),
        "ownerId": room.owner_id,
        "live": live,
        "createdAt": clock.iso(room.created_at),
    }


def public_body(room: RoomInfo, live: bool) -> dict[str, Any]:
    """What anyone who may enter sees before entering."""
    return {"id": room.id, "name": room.name, "type": room.type, "isPrivate": room.is_private, "live": live}


def token_body(token: JoinToken) -> dict[str, Any]:
    """A join token with what it grants."""
    return {"token": token.token, "role": token.role, "expiresAt": clock.iso(token.expires_at)}
