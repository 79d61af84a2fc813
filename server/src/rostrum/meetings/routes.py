"""REST door of meetings."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from rostrum.auth.dependencies import UserCaller
from rostrum.auth.errors import UserNotFound
from rostrum.kit.answers import bare, empty, enveloped
from rostrum.kit.errors import FeatureDisabled, Forbidden, RateLimited
from rostrum.kit.http import given
from rostrum.kit.pagination import After, Limit, announce_next
from rostrum.meetings.errors import MeetingNotFound, TooManyRecordings
from rostrum.meetings.schemas import ChangeMeetingInput, CreateMeetingInput, MeetingOut, MeetingsOut, meeting_body
from rostrum.meetings.service import MeetingService
from rostrum.rooms.errors import RoomNotFound

router = APIRouter(tags=["meetings"])
v1_router = APIRouter(tags=["meetings"])

CHANGING = (Forbidden, FeatureDisabled)
MISSING = (MeetingNotFound, RoomNotFound, UserNotFound)

Meetings = Annotated[MeetingService, given(MeetingService)]


@router.post(
    "/meetings/create",
    status_code=201,
    responses=enveloped(
        MeetingOut, "Meeting created successfully!", *CHANGING, UserNotFound, RoomNotFound, RateLimited, status=201
    ),
)
async def create_meeting(body: CreateMeetingInput, caller: UserCaller, meetings: Meetings) -> dict[str, Any]:
    """Make a meeting, and a webinar's room for it unless one is given."""
    meeting = await meetings.create(caller, body.to_new_meeting())
    return {"success": True, "data": meeting_body(meeting), "msg": "Meeting created successfully!"}


@router.post("/meetings/update/{meeting_id}", status_code=204, responses=empty(*CHANGING, *MISSING, TooManyRecordings))
async def update_meeting(meeting_id: str, body: ChangeMeetingInput, caller: UserCaller, meetings: Meetings) -> None:
    """Change a meeting; what the body leaves out stays as it is."""
    await meetings.update(caller, meeting_id, body.to_change())


@router.get(
    "/meetings/list/{user_id}",
    responses=bare(MeetingsOut, {"data": [MeetingOut.EXAMPLE]}, UserNotFound, paged=True),
)
async def list_meetings(
    user_id: str,
    caller: UserCaller,
    meetings: Meetings,
    request: Request,
    response: Response,
    after: After,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The meetings that a user hosts, the newest first."""
    page, following = await meetings.list(caller, user_id, limit=limit, after=after)
    announce_next(request, response, following)
    return {"data": [meeting_body(meeting) for meeting in page]}


@v1_router.get(
    "/meetings/{meeting_id}", responses=enveloped(MeetingOut, "Meeting retrieved successfully!", MeetingNotFound)
)
async def get_meeting(meeting_id: str, caller: UserCaller, meetings: Meetings) -> dict[str, Any]:
    """A meeting that the caller hosts."""
    meeting = await meetings.get(caller, meeting_id)
    return {"success": True, "data": meeting_body(meeting), "msg": "Meeting retrieved successfully!"}


@v1_router.patch(
    "/meetings/{meeting_id}",
    responses=enveloped(MeetingOut, "Meeting updated successfully!", *CHANGING, *MISSING, TooManyRecordings),
)
async def change_meeting(
    meeting_id: str, body: ChangeMeetingInput, caller: UserCaller, meetings: Meetings
) -> dict[str, Any]:
    """Change a meeting, as POST /meetings/update does, and answer it."""
    meeting = await meetings.update(caller, meeting_id, body.to_change())
    return {"success": True, "data": meeting_body(meeting), "msg": "Meeting updated successfully!"}
