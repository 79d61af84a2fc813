"""When API keys were last used: noted in memory at a request, written together a few seconds later."""

import asyncio
from typing import Final

import structlog

from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.errors import RostrumError
from rostrum.tenants import store

log = structlog.get_logger(__name__)

NOTE_EVERY_MS: Final = 60_000
WRITE_SECONDS: Final = 2.0


class KeyUses:
    """Notes each key's use at most once a minute: a write for each request would be a high price for a date."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noted: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._soon: asyncio.Task[None] | None = None

    def note(self, key_id: str) -> None:
        """The key was used now."""
        now = clock.now_ms()
        if now - self._noted.get(key_id, 0) < NOTE_EVERY_MS:
            return
        self._noted[key_id] = self._waiting[key_id] = now
        if self._soon is None:
            self._soon = asyncio.create_task(self._write_soon())

    async def write(self) -> None:
        """Write what waits."""
        used, self._waiting = self._waiting, {}
        if not used:
            return
        try:
            async with self._db.session() as session:
                await store.touch_keys(session, used)
        except RostrumError:  # A date is lost, no more.
            log.exception("keys.uses_lost", count=len(used))

    async def close(self) -> None:
        """Write what waits, and wait for no later moment."""
        if self._soon is not None:
            self._soon.cancel()
        await self.write()

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_SECONDS)
        self._soon = None
        await self.write()
