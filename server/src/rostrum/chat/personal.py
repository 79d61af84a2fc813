"""What this feature keeps about a user: the messages they wrote."""

from typing import Any

from rostrum.chat import store
from rostrum.kit import clock
from rostrum.kit.db import Database


class ChatOfUser:
    """Messages stay where they answer others, without their writer's name."""

    name = "chat"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def export(self, _tenant_id: str, user_id: str) -> Any:
        """The user's messages."""
        async with self._db.reading() as session:
            return [
                {
                    "roomId": row.room_id,
                    "name": row.name,
                    "message": row.message,
                    "timestamp": clock.iso(row.created_at),
                }
                for row in await store.written_by(session, user_id)
            ]

    async def erase(self, _tenant_id: str, user_id: str) -> None:
        """Take the name off the messages."""
        async with self._db.session() as session:
            await store.make_anonymous(session, user_id)
