"""REST door of rooms."""

from typing import Annotated, Any

from fastapi import APIRouter, Request

from rostrum.auth.dependencies import Caller, UserCaller
from rostrum.kit.http import client_address, given
from rostrum.rooms.schemas import (
    CreateRoomInput,
    GuestInput,
    InvitationInput,
    public_body,
    room_body,
    token_body,
)
from rostrum.rooms.service import RoomService

router = APIRouter(tags=["rooms"])
v1_router = APIRouter(tags=["rooms"])

Rooms = Annotated[RoomService, given(RoomService)]


@router.post("/room/create", status_code=201)
async def create_room(body: CreateRoomInput, caller: UserCaller, rooms: Rooms) -> dict[str, Any]:
    """Make a room owned by the caller."""
    room = await rooms.create(caller, body.to_new_room())
    return {"success": True, "data": room_body(room, rooms.join_url(room)), "msg": "Room created Successfully!"}


@v1_router.get("/rooms/{room_id}")
async def get_room(room_id: str, caller: Caller, rooms: Rooms) -> dict[str, Any]:
    """The public facts of a room that the caller may enter."""
    room = await rooms.get(caller, room_id)
    return {"success": True, "data": public_body(room, rooms.is_live(room.id)), "msg": "Room retrieved successfully!"}


@v1_router.post("/rooms/{room_id}/invitations", status_code=201)
async def invite(room_id: str, body: InvitationInput, caller: Caller, rooms: Rooms) -> dict[str, Any]:
    """Make an invitation; only a host of the room may."""
    token, url = await rooms.invite(caller, room_id, body.role, name=body.name, expires_at=body.expires_at)
    return {"success": True, "data": {**token_body(token), "url": url}, "msg": "Invitation created successfully!"}


@v1_router.post("/rooms/{room_id}/guest-token", status_code=201)
async def guest_token(room_id: str, body: GuestInput, caller: Caller, rooms: Rooms, request: Request) -> dict[str, Any]:
    """A viewer's token for a room that is not private."""
    token = await rooms.guest_token(caller, room_id, body.name, address=client_address(request))
    return {"success": True, "data": token_body(token), "msg": "Guest token created successfully!"}
