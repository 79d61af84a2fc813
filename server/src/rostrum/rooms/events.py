"""Facts about durable rooms, announced once they are committed."""

from dataclasses import dataclass

from rostrum.auth import RoomRole
from rostrum.rooms.info import RoomInfo


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """A room has another name, size or privacy than before."""

    room: RoomInfo


@dataclass(frozen=True, slots=True)
class RoomDeleted:
    """A room is gone for good, with its chat and its grants."""

    room: RoomInfo


@dataclass(frozen=True, slots=True)
class LastingRoleChanged:
    """Somebody was made a co-host of a room for good, or is none any longer."""

    room: RoomInfo
    subject: str
    role: RoomRole
