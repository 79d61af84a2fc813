"""Rooms with their grants, remembered for a few seconds: each join asks several times, and a query costs a
millisecond. What this process changes is forgotten at once; what another one changed is seen when the time is up."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from rostrum.auth import RoomRole
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.rooms import store
from rostrum.rooms.info import RoomInfo, as_role

SECONDS = 5.0
SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A room, and subject → role: what was granted in it for good, and in its running session."""

    room: RoomInfo
    lasting: Mapping[str, RoomRole]
    live: Mapping[str, RoomRole]

    def granted(self, subject: str) -> RoomRole | None:
        """What somebody was granted; the running session counts first."""
        return self.live.get(subject) or self.lasting.get(subject)


class RoomDirectory:
    """Looks rooms up."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._entries: dict[str, tuple[float, Entry]] = {}
        self._loading = asyncio.Lock()
        self._changes = 0

    async def find(self, room_id: str) -> Entry | None:
        """The room of this id, of any tenant."""
        entry = self._remembered(room_id)
        if entry is not None:
            return entry
        async with self._loading:  # Five hundred who join at once ask the database once.
            return self._remembered(room_id) or await self._load(room_id)

    def forget(self, room_id: str) -> None:
        """The room or its grants have changed; call it after the change is committed."""
        self._changes += 1
        self._entries.pop(room_id, None)

    def _remembered(self, room_id: str) -> Entry | None:
        known = self._entries.get(room_id)
        return known[1] if known is not None and known[0] > clock.monotonic() else None

    async def _load(self, room_id: str) -> Entry | None:
        changes = self._changes
        room = await store.by_id(self._db, room_id)
        if room is None:
            return None
        grants = await store.grants(self._db, room_id)
        entry = Entry(
            room,
            {grant.subject: as_role(grant.role) for grant in grants if not grant.live},
            {grant.subject: as_role(grant.role) for grant in grants if grant.live},
        )
        if changes == self._changes:  # Else it may be older than the change; it still was true when it was asked for.
            if len(self._entries) >= SIZE:
                self._entries.clear()
            self._entries[room_id] = (clock.monotonic() + SECONDS, entry)
        return entry
