"""Meetings: the scheduled or logical record of what happens in a room."""

from rostrum.meetings.service import MeetingInfo, MeetingService

__all__ = ["MeetingInfo", "MeetingService"]
