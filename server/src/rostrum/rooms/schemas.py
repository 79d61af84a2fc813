"""What crosses the wire about rooms."""

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from rostrum.auth import JoinToken, RoomRole
from rostrum.kit import clock
from rostrum.kit.inputs import Input, Line
from rostrum.rooms.info import RoomInfo
from rostrum.rooms.service import NewRoom, RoomType


def _moment(value: Any) -> Any:
    """Epoch milliseconds or ISO 8601."""
    return clock.parse(value) if isinstance(value, int | str) and not isinstance(value, bool) else value


class CreateRoomInput(Input):
    """Body of POST /room/create."""

    name: Line
    type: RoomType
    max_participants: int | None = Field(None, alias="maxParticipants", ge=1, le=1_000_000, strict=True)
    is_private: bool = Field(False, alias="isPrivate")
    p2p: bool = False
    owner_id: str | None = Field(
        None, validation_alias=AliasChoices("ownerId", "hostId", "userId", "userID"), max_length=64
    )

    def to_new_room(self) -> NewRoom:
        """The wish for the service."""
        return NewRoom(self.name, self.type, self.is_private, self.p2p, self.max_participants, self.owner_id)


class InvitationInput(Input):
    """Body of POST /v1/rooms/:roomId/invitations."""

    role: RoomRole
    name: Line | None = None
    expires_at: Annotated[int | None, BeforeValidator(_moment)] = Field(None, alias="expiresAt")


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


def public_body(room: RoomInfo, live: bool) -> dict[str, Any]:
    """What anyone who may enter sees before entering."""
    return {"id": room.id, "name": room.name, "type": room.type, "isPrivate": room.is_private, "live": live}


def token_body(token: JoinToken) -> dict[str, Any]:
    """A join token with what it grants."""
    return {"token": token.token, "role": token.role, "expiresAt": clock.iso(token.expires_at)}
