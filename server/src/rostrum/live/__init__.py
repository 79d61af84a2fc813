"""Live rooms: joined peers, roles, sessions, presence."""

from rostrum.live.contributor import Contributor, Part
from rostrum.live.errors import RemovedFromRoom
from rostrum.live.events import PeerDropped, PeerJoined, PeerLeft, PeerResumed, RoleChanged, RoomClosed, RoomOpened
from rostrum.live.notifier import Notifier, sender
from rostrum.live.reactions import Reactions
from rostrum.live.recorder import SessionRecorder
from rostrum.live.room import LiveRoom, Peer
from rostrum.live.schemas import PeerRef
from rostrum.live.service import LiveService
from rostrum.live.signals import LiveSignals
from rostrum.live.stage import Stage, require_stage
from rostrum.live.upkeep import Upkeep

__all__ = [
    "Contributor",
    "LiveRoom",
    "LiveService",
    "LiveSignals",
    "Notifier",
    "Part",
    "Peer",
    "PeerDropped",
    "PeerJoined",
    "PeerLeft",
    "PeerRef",
    "PeerResumed",
    "Reactions",
    "RemovedFromRoom",
    "RoleChanged",
    "RoomClosed",
    "RoomOpened",
    "SessionRecorder",
    "Stage",
    "Upkeep",
    "require_stage",
    "sender",
]
