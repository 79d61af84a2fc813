"""What other features see of a meeting."""

from collections.abc import Sequence

import msgspec

from rostrum.meetings.models import Meeting


class MeetingInfo(msgspec.Struct, frozen=True):
    """A meeting as other features see it. Moments in milliseconds since 1970; no room: it was deleted."""

    id: str
    tenant_id: str
    host_id: str
    room_id: str | None
    title: str
    transcript_enabled: bool
    summary_generated: bool
    recording_ids: Sequence[str]
    scheduled_at: int | None
    duration_minutes: int | None
    created_at: int


def info_of(row: Meeting) -> MeetingInfo:
    """The meeting of a row."""
    return MeetingInfo(
        id=row.id,
        tenant_id=row.tenant_id,
        host_id=row.host_id,
        room_id=row.room_id,
        title=row.title,
        transcript_enabled=row.transcript_enabled,
        summary_generated=row.summary_generated,
        recording_ids=tuple(row.recording_ids),
        scheduled_at=row.scheduled_at,
        duration_minutes=row.duration_minutes,
        created_at=row.created_at,
    )
