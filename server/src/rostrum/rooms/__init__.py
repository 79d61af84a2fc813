"""Durable rooms: who owns them, who may enter and in which role."""

from rostrum.rooms.info import Admission, RoomInfo
from rostrum.rooms.service import RoomService

__all__ = ["Admission", "RoomInfo", "RoomService"]
