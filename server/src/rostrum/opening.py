"""Brings the server up: tables, services, then whatever the command wants to prepare.

A database that is away does not end the server: it lives, answers 503 to all but the health checks, and goes on as
soon as the database is there. Started together, neither has to wait for the other.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from rostrum.kit.errors import Unavailable
from rostrum.migrate import upgrade
from rostrum.services import Services

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 1.0

Prepare = Callable[[Services], Awaitable[None]]


class Opening:
    """Whether the server is open. `waits`: it has tried to, and waits for its database."""

    def __init__(self, services: Services, prepare: Prepare | None) -> None:
        self._services = services
        self._prepare = prepare
        self._trying: asyncio.Task[None] | None = None
        self._started = False
        self.is_open = False

    async def begin(self) -> None:
        """Open now, or as soon as the database is there.

        Raises:
            Exception: whatever else keeps the server from its start.
        """
        try:
            await self._open()
        except Unavailable as error:
            log.warning("start.waiting", reason=error.text)
            self._trying = asyncio.create_task(self._go_on())

    @property
    def waits(self) -> bool:
        """Whether the first try has failed and none has succeeded yet."""
        return self._trying is not None and not self.is_open

    async def close(self) -> None:
        """Try no longer."""
        if self._trying is not None:
            self._trying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._trying

    async def _open(self) -> None:
        if not self._started:
            await upgrade(self._services.db)
            await self._services.start()
            self._started = True
        if self._prepare is not None:
            await self._prepare(self._services)
        self.is_open = True

    async def _go_on(self) -> None:
        while not self.is_open:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self._open()
            except Unavailable as error:
                log.warning("start.waiting", reason=error.text)
            except Exception:  # Not for somebody to wait for, but the health checks tell it and the log says why.
                log.exception("start.failed")
        log.info("start.done")
