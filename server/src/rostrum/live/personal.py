"""What this feature keeps about a user: the sessions they were in."""

from typing import Any

from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.live import store


class SessionsOfUser:
    """A session's record stays whole, for its room's numbers, without the name of who was there."""

    name = "sessions"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def export(self, _tenant_id: str, user_id: str) -> Any:
        """When the user was in which session."""
        async with self._db.reading() as session:
            return [
                {
                    "sessionId": row.session_id,
                    "name": row.name,
                    "role": row.role,
                    "joinedAt": clock.iso(row.joined_at),
                    "leftAt": clock.iso(row.left_at) if row.left_at is not None else None,
                }
                for row in await store.stays_of(session, user_id)
            ]

    async def erase(self, tenant_id: str, user_id: str) -> None:
        """Take the name off the records, and the owner off those of the user's rooms."""
        async with self._db.session() as session:
            await store.make_anonymous(session, user_id)
            await store.disown(session, tenant_id, user_id)
