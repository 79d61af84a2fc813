"""What crosses the wire about rooms."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field, StrictBool

from rostrum.auth import JoinToken, RoomRole
from rostrum.kit import clock
from rostrum.kit.inputs import Input, Line, Moment
from rostrum.rooms.info import RoomInfo
from rostrum.rooms.keeper import RoomChange
from rostrum.rooms.service import NewRoom, RoomType

Participants = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class CreateRoomInput(Input):
    """Body of POST /room/create."""

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

    name: Line | None = None
    max_participants: Participants | None = Field(None, alias="maxParticipants")
    is_private: StrictBool | None = Field(None, alias="isPrivate")

    def to_change(self) -> RoomChange:
        """The wish for the service."""
        sized = "max_participants" in self.model_fields_set
        return RoomChange(self.name, self.is_private, self.max_participants, sized)


class InvitationInput(Input):
    """Body of POST /v1/rooms/:roomId/invitations."""

    role: RoomRole
    name: Line | None = None
    expires_at: Moment | None = Field(None, alias="expiresAt")


class GuestInput(Input):
    """Body of POST /v1/rooms/:roomId/guest-token."""

    name: Line


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
