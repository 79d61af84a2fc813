"""Durable rooms: who owns them, who may enter and in which role."""

from rostrum.rooms.service import Admission, RoomInfo, RoomService

__all__ = ["Admission", "RoomInfo", "RoomService"]
