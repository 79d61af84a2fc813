"""What other features see of a room and of an admission to it."""

from dataclasses import dataclass
from typing import get_args

import msgspec

from rostrum.auth import RoomRole
from rostrum.rooms.models import Room


class RoomInfo(msgspec.Struct, frozen=True):
    """A room as other features see it."""

    id: str
    tenant_id: str
    name: str
    type: str
    owner_id: str | None
    is_private: bool
    max_participants: int | None
    p2p: bool
    open: bool = False
    created_at: int = 0


class Grant(msgspec.Struct, frozen=True):
    """A role that somebody was given in a room; `live`: until the running session ends."""

    subject: str
    role: str
    live: bool


@dataclass(frozen=True, slots=True)
class RoomFilter:
    """Which rooms of a tenant are asked for; None is no condition.

    Attributes:
        name: a part of the name, in capitals or not.
        since, until: when the room was made, both included, milliseconds since 1970.
        oldest_first: the order; else the newest comes first.
    """

    owner_id: str | None = None
    type: str | None = None
    is_private: bool | None = None
    name: str | None = None
    since: int | None = None
    until: int | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody may enter a room: as whom and in which role.

    Attributes:
        subject: stable identity of this person in this room: the user's id or the join token's jti; for a guest
            without any token it lives as long as the socket.
        display_name: the name the others see.
    """

    room: RoomInfo
    role: RoomRole
    subject: str
    display_name: str


def info_of(room: Room) -> RoomInfo:
    """The room of a row."""
    return RoomInfo(
        id=room.id,
        tenant_id=room.tenant_id,
        name=room.name,
        type=room.type,
        owner_id=room.owner_id,
        is_private=room.is_private,
        max_participants=room.max_participants,
        p2p=room.p2p,
        open=room.open,
        created_at=room.created_at,
    )


def as_role(role: str) -> RoomRole:
    """A role from the database; whatever is none there has no rights here."""
    known: RoomRole
    for known in get_args(RoomRole):
        if role == known:
            return known
    return "viewer"
