"""What this feature keeps about a user: the files they uploaded."""

from typing import Any

from rostrum.files import store
from rostrum.files.schemas import file_body, info_of
from rostrum.kit.db import Database


class FilesOfUser:
    """Files stay in their rooms, without their uploader: the rooms' hosts decide on them."""

    name = "files"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def export(self, _tenant_id: str, user_id: str) -> Any:
        """What is known of the user's files."""
        async with self._db.reading() as session:
            rows = await store.uploaded_by(session, user_id)
        return [{**file_body(info_of(row)), "roomId": row.room_id} for row in rows]

    async def erase(self, _tenant_id: str, user_id: str) -> None:
        """Forget that they were the user's."""
        async with self._db.session() as session:
            await store.disown(session, user_id)
