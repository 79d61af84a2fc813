"""Meetings: the scheduled or logical record of what happens in a room."""

from rostrum.meetings.info import MeetingInfo
from rostrum.meetings.service import MeetingService

__all__ = ["MeetingInfo", "MeetingService"]
