"""Facts that the live core announces. They carry the live objects themselves: a subscriber acts on the same room."""

from dataclasses import dataclass

from rostrum.auth import RoomRole
from rostrum.live.room import LiveRoom, Peer


@dataclass(frozen=True, slots=True)
class PeerJoined:
    """A new peer is in the room."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class PeerDropped:
    """A peer has lost its socket; it is kept for the grace period."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class PeerResumed:
    """A peer has a new socket. `fresh`: it has forgotten its media of before, for example by a reload of its page."""

    peer: Peer
    fresh: bool


@dataclass(frozen=True, slots=True)
class PeerLeft:
    """A peer is no longer in the room. `reason`: left, dropped, removed, moved, ended."""

    peer: Peer
    reason: str


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A peer has another role than before."""

    peer: Peer
    before: RoomRole


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """The live state of a room exists: a session begins."""

    room: LiveRoom


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """The live state of a room is gone: its session has ended. `reason`: ended, empty, shutdown."""

    room: LiveRoom
    reason: str
