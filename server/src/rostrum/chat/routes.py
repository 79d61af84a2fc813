"""REST door of chat."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from rostrum.auth.dependencies import Caller
from rostrum.chat.schemas import MessageOut
from rostrum.chat.service import ChatService
from rostrum.kit.answers import enveloped
from rostrum.kit.http import given
from rostrum.kit.pagination import Limit, announce_next
from rostrum.rooms.errors import RoomNotFound

v1_router = APIRouter(tags=["chat"])

Chat = Annotated[ChatService, given(ChatService)]


@v1_router.get(
    "/rooms/{room_id}/messages",
    responses=enveloped(MessageOut, "Messages retrieved successfully!", RoomNotFound, many=True),
)
async def list_messages(
    room_id: str,
    caller: Caller,
    chat: Chat,
    request: Request,
    response: Response,
    limit: Limit = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> dict[str, Any]:
    """The chat of a room that the caller may enter, the newest message first."""
    messages, following = await chat.page(caller, room_id, limit=limit, before=cursor)
    announce_next(request, response, following)
    return {
        "success": True,
        "data": [message.rest() for message in messages],
        "msg": "Messages retrieved successfully!",
    }
