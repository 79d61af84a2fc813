"""Durable rooms: who owns them, who may enter and in which role."""

from rostrum.rooms.events import LastingRoleChanged, RoomChanged, RoomDeleted
from rostrum.rooms.info import Admission, RoomInfo
from rostrum.rooms.keeper import RoomKeeper
from rostrum.rooms.service import NewRoom, RoomService

__all__ = [
    "Admission",
    "LastingRoleChanged",
    "NewRoom",
    "RoomChanged",
    "RoomDeleted",
    "RoomInfo",
    "RoomKeeper",
    "RoomService",
]
