"""What crosses the wire about meetings."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from rostrum.kit import clock
from rostrum.kit.answers import Out
from rostrum.kit.inputs import Input, Moment, printable
from rostrum.meetings.info import MeetingInfo
from rostrum.meetings.service import MeetingChange, NewMeeting

Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(printable)
]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Minutes = Annotated[int, Field(ge=1, le=44_640, strict=True)]

USER = AliasChoices("userId", "userID", "user_id")
ROOM = AliasChoices("roomId", "room_id", "roomID")
RECORDING = AliasChoices("recordingId", "recording_id", "recordingID")


class CreateMeetingInput(Input):
    """Body of POST /meetings/create. Without `roomId` a room of type webinar is made."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"title": "dsa", "hostId": "68de7a9d8f40ff41c940c7fb", "transcriptEnabled": False}
        }
    )

    title: Title
    host_id: Reference = Field(validation_alias=AliasChoices("hostId", "hostID", "host_id", "userId", "userID"))
    transcript_enabled: StrictBool = Field(alias="transcriptEnabled")
    room_id: Reference | None = Field(None, validation_alias=ROOM)
    scheduled_at: Moment | None = Field(None, alias="scheduledAt")
    duration_minutes: Minutes | None = Field(None, alias="durationMinutes")

    def to_new_meeting(self) -> NewMeeting:
        """The wish for the service."""
        return NewMeeting(**self.model_dump())


class ChangeMeetingInput(Input):
    """Body of POST /meetings/update/:meetingId; what is left out stays as it is. `recordingId` is appended once.

    `userId` is required with a secret key alone; with a user's token it must be that user's, unless an administrator's.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Test Meeting",
                "transcriptEnabled": False,
                "summaryGenerated": False,
                "roomId": "68aff60da51d6c83a24245a2",
                "recordingId": "1737978989992_59591",
            }
        }
    )

    user_id: Reference | None = Field(None, validation_alias=USER)
    room_id: Reference | None = Field(None, validation_alias=ROOM)
    recording_id: Reference | None = Field(None, validation_alias=RECORDING)
    title: Title | None = None
    summary_generated: StrictBool | None = Field(None, alias="summaryGenerated")
    transcript_enabled: StrictBool | None = Field(None, alias="transcriptEnabled")
    scheduled_at: Moment | None = Field(None, alias="scheduledAt")
    duration_minutes: Minutes | None = Field(None, alias="durationMinutes")

    def to_change(self) -> MeetingChange:
        """The wish for the service."""
        return MeetingChange(**self.model_dump())


class MeetingOut(Out):
    """A meeting. No room: it was deleted."""

    EXAMPLE: ClassVar = {
        "_id": "68ee4b39b22d6134386fc5dc",
        "title": "dsa",
        "hostId": "68de7a9d8f40ff41c940c7fb",
        "roomId": "68aff60da51d6c83a24245a2",
        "transcriptEnabled": False,
        "summaryGenerated": False,
        "recordingIds": [],
        "scheduledAt": None,
        "durationMinutes": None,
        "createdAt": "2025-10-14T13:08:09.559Z",
    }
    id: str = Field(alias="_id")
    title: str
    host_id: str
    room_id: str | None
    transcript_enabled: bool
    summary_generated: bool
    recording_ids: list[str]
    scheduled_at: datetime | None
    duration_minutes: int | None
    created_at: datetime


class MeetingsOut(BaseModel):
    """A page of meetings."""

    data: list[MeetingOut]


def meeting_body(meeting: MeetingInfo) -> dict[str, Any]:
    """A meeting as the original contract's example shows one, with what the contract adds."""
    return {
        "_id": meeting.id,
        "title": meeting.title,
        "hostId": meeting.host_id,
        "roomId": meeting.room_id,
        "transcriptEnabled": meeting.transcript_enabled,
        "summaryGenerated": meeting.summary_generated,
        "recordingIds": list(meeting.recording_ids),
        "scheduledAt": None if meeting.scheduled_at is None else clock.iso(meeting.scheduled_at),
        "durationMinutes": meeting.duration_minutes,
        "createdAt": clock.iso(meeting.created_at),
    }
