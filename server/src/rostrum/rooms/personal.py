"""What this feature keeps about a user: the rooms they own and the roles they were given."""

from typing import Any

from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.rooms import store
from rostrum.rooms.service import RoomService


class RoomsOfUser:
    """Rooms outlive their owner's account: they become the tenant's own, since others may depend on them."""

    name = "rooms"

    def __init__(self, db: Database, rooms: RoomService) -> None:
        self._db = db
        self._rooms = rooms

    async def export(self, tenant_id: str, user_id: str) -> Any:
        """The user's rooms, and the roles they have in others'."""
        async with self._db.reading() as session:
            owned = await store.owned_by(session, tenant_id, user_id)
            granted = await store.granted_to(session, user_id)
        return {
            "owned": [
                {"id": room.id, "name": room.name, "type": room.type, "createdAt": clock.iso(room.created_at)}
                for room in owned
            ],
            "roles": [
                {"roomId": grant.room_id, "role": grant.role, "grantedAt": clock.iso(grant.granted_at)}
                for grant in granted
            ],
        }

    async def erase(self, tenant_id: str, user_id: str) -> None:
        """Leave the rooms to the tenant and take the roles away."""
        async with self._db.session() as session:
            for room_id in await store.disown(session, tenant_id, user_id):
                self._rooms.forget(room_id)
