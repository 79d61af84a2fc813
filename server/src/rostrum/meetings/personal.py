"""What this feature keeps about a user: the meetings they host."""

from typing import Any

from rostrum.kit.db import Database
from rostrum.meetings import store
from rostrum.meetings.info import info_of
from rostrum.meetings.schemas import meeting_body


class MeetingsOfUser:
    """A meeting belongs to its host and goes with the host's account; its room stays."""

    name = "meetings"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def export(self, tenant_id: str, user_id: str) -> Any:
        """The user's meetings, oldest first."""
        async with self._db.reading() as session:
            return [meeting_body(info_of(row)) for row in await store.hosted_by(session, tenant_id, user_id)]

    async def erase(self, tenant_id: str, user_id: str) -> None:
        """Delete them."""
        async with self._db.session() as session:
            await store.delete_hosted_by(session, tenant_id, user_id)
