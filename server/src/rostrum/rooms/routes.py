"""REST door of rooms."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from rostrum.auth.dependencies import Caller, TokenCaller, UserCaller
from rostrum.auth.errors import UserNotFound
from rostrum.kit.answers import empty, enveloped
from rostrum.kit.errors import Forbidden, RateLimited
from rostrum.kit.http import client_address, given
from rostrum.kit.pagination import After, Limit, announce_next
from rostrum.rooms.errors import RoomNotFound
from rostrum.rooms.info import RoomFilter
from rostrum.rooms.keeper import RoomKeeper
from rostrum.rooms.schemas import (
    ChangeRoomInput,
    CohostOut,
    CreateRoomInput,
    GuestInput,
    InvitationInput,
    InvitationOut,
    ListedRoomOut,
    PublicRoomOut,
    RoomOut,
    TokenOut,
    listed_body,
    public_body,
    room_body,
    room_filter,
    token_body,
)
from rostrum.rooms.service import RoomService

router = APIRouter(tags=["rooms"])
v1_router = APIRouter(tags=["rooms"])

Rooms = Annotated[RoomService, given(RoomService)]
Keeper = Annotated[RoomKeeper, given(RoomKeeper)]


@router.post(
    "/room/create",
    status_code=201,
    responses=enveloped(RoomOut, "Room created Successfully!", Forbidden, UserNotFound, RateLimited, status=201),
)
async def create_room(body: CreateRoomInput, caller: UserCaller, rooms: Rooms) -> dict[str, Any]:
    """Make a room owned by the caller."""
    room = await rooms.create(caller, body.to_new_room())
    return {"success": True, "data": room_body(room, rooms.join_url(room)), "msg": "Room created Successfully!"}


@v1_router.get("/rooms", responses=enveloped(ListedRoomOut, "Rooms retrieved successfully!", many=True))
async def list_rooms(
    caller: UserCaller,
    keeper: Keeper,
    rooms: Rooms,
    request: Request,
    response: Response,
    wanted: Annotated[RoomFilter, Depends(room_filter)],
    after: After,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The caller's own rooms, the newest first; an administrator and a secret key see all of the tenant."""
    page, following = await keeper.list(caller, wanted, limit=limit, after=after)
    announce_next(request, response, following)
    live = await rooms.live_among([room.id for room in page])
    data = [listed_body(room, rooms.join_url(room), room.id in live) for room in page]
    return {"success": True, "data": data, "msg": "Rooms retrieved successfully!"}


@v1_router.patch(
    "/rooms/{room_id}",
    responses=enveloped(ListedRoomOut, "Room updated successfully!", Forbidden, RoomNotFound),
)
async def change_room(
    room_id: str, body: ChangeRoomInput, caller: UserCaller, keeper: Keeper, rooms: Rooms
) -> dict[str, Any]:
    """Change a room's name, size or privacy; only its owner may."""
    room = await keeper.change(caller, room_id, body.to_change())
    is_live = bool(await rooms.live_among([room.id]))
    data = listed_body(room, rooms.join_url(room), is_live)
    return {"success": True, "data": data, "msg": "Room updated successfully!"}


@v1_router.delete("/rooms/{room_id}", status_code=204, responses=empty(Forbidden, RoomNotFound))
async def delete_room(room_id: str, caller: UserCaller, keeper: Keeper) -> None:
    """Delete a room with its chat; a webinar that runs in it ends. Only its owner may."""
    await keeper.delete(caller, room_id)


@v1_router.put(
    "/rooms/{room_id}/cohosts/{user_id}",
    responses=enveloped(CohostOut, "Co-host added successfully!", Forbidden, RoomNotFound, UserNotFound),
)
async def add_cohost(room_id: str, user_id: str, caller: UserCaller, keeper: Keeper) -> dict[str, Any]:
    """Make a user a co-host of the room for good; only its owner may. The role works at once, also in a live room."""
    await keeper.add_cohost(caller, room_id, user_id)
    return {"success": True, "data": {"userId": user_id, "role": "cohost"}, "msg": "Co-host added successfully!"}


@v1_router.delete("/rooms/{room_id}/cohosts/{user_id}", status_code=204, responses=empty(Forbidden, RoomNotFound))
async def remove_cohost(room_id: str, user_id: str, caller: UserCaller, keeper: Keeper) -> None:
    """Take a user's lasting role in the room away; only the room's owner may."""
    await keeper.remove_cohost(caller, room_id, user_id)


@v1_router.get("/rooms/{room_id}", responses=enveloped(PublicRoomOut, "Room retrieved successfully!", RoomNotFound))
async def get_room(room_id: str, caller: Caller, rooms: Rooms) -> dict[str, Any]:
    """The public facts of a room that the caller may enter."""
    room = await rooms.get(caller, room_id)
    is_live = bool(await rooms.live_among([room.id]))
    return {"success": True, "data": public_body(room, is_live), "msg": "Room retrieved successfully!"}


@v1_router.post(
    "/rooms/{room_id}/invitations",
    status_code=201,
    responses=enveloped(
        InvitationOut, "Invitation created successfully!", Forbidden, RoomNotFound, RateLimited, status=201
    ),
)
async def invite(room_id: str, body: InvitationInput, caller: TokenCaller, rooms: Rooms) -> dict[str, Any]:
    """Make an invitation; only a host of the room may."""
    token, url = await rooms.invite(caller, room_id, body.role, name=body.name, expires_at=body.expires_at)
    return {"success": True, "data": {**token_body(token), "url": url}, "msg": "Invitation created successfully!"}


@v1_router.post(
    "/rooms/{room_id}/guest-token",
    status_code=201,
    responses=enveloped(TokenOut, "Guest token created successfully!", RoomNotFound, RateLimited, status=201),
)
async def guest_token(room_id: str, body: GuestInput, caller: Caller, rooms: Rooms, request: Request) -> dict[str, Any]:
    """A viewer's token for a room that is not private."""
    token = await rooms.guest_token(caller, room_id, body.name, address=client_address(request))
    return {"success": True, "data": token_body(token), "msg": "Guest token created successfully!"}
