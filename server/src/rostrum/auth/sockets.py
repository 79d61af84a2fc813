"""Closes the sockets of whoever may no longer have one: session ended, token run out, key revoked."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import msgspec
import structlog
from msgspec.structs import replace

from rostrum.auth.events import SessionsEnded
from rostrum.auth.principal import Principal
from rostrum.auth.standing import Standings
from rostrum.kit import clock
from rostrum.kit.bus import Bus
from rostrum.kit.errors import RostrumError
from rostrum.kit.events import EventBus
from rostrum.kit.realtime import Realtime
from rostrum.kit.sockets import Connection
from rostrum.tenants import TenantService

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 30.0
TOPIC: Final = "sessions"


class SessionSockets:
    """A logout, another password or the end of an account closes the sockets that were opened before, at once.

    It tells the other nodes, each of which closes its own. Twice a minute, and when a node may have missed something,
    it looks for what ends without an event here: tokens by the clock, keys and packages by the command line, which is
    another process.
    """

    def __init__(
        self, realtime: Realtime, events: EventBus, tenants: TenantService, standings: Standings, bus: Bus
    ) -> None:
        self._realtime = realtime
        self._tenants = tenants
        self._standings = standings
        self._bus = bus
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None
        self._now = clock.now_ms
        events.subscribe(SessionsEnded, self._on_ended)
        bus.subscribe(TOPIC, self._ended_elsewhere)
        bus.on_gap(self.sweep)

    async def start(self) -> None:
        """Begin to look."""
        self._sweeping = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Look no more."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)

    async def sweep(self) -> None:
        """Close the sockets whose token has run out or whose key was revoked; give the others their present package."""
        now = self._now()
        connections = self._realtime.all()
        valid = await self._tenants.valid_keys({c.principal.key_id for c in connections if c.principal.key_id})
        refused = await self._standings.refused(connection.principal for connection in connections)
        for connection in connections:
            principal: Principal = connection.principal
            tenant = valid.get(principal.key_id) if principal.key_id else None
            if principal.expires_at is not None and principal.expires_at <= now:
                self._close(connection, "token_expired")
            elif principal in refused:
                self._close(connection, "token_revoked")
            elif principal.key_id and tenant is None:
                self._close(connection, "key_revoked")
            elif tenant is not None and tenant.package != principal.package:
                connection.principal = replace(principal, package=tenant.package)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except RostrumError as error:  # The database is away for a moment; the next turn makes up for it.
                log.warning("sockets.sweep_failed", code=error.code)
            except Exception:
                log.exception("sockets.sweep_failed")

    async def _on_ended(self, fact: SessionsEnded) -> None:
        self._close_of(fact)
        self._bus.publish(TOPIC, msgspec.msgpack.encode(fact))

    async def _ended_elsewhere(self, message: bytes) -> None:
        fact = msgspec.msgpack.decode(message, type=SessionsEnded)
        self._standings.forget(fact.user_id)
        self._close_of(fact)

    def _close_of(self, fact: SessionsEnded) -> None:
        for connection in self._realtime.all():
            if _is_of(connection.principal, fact):
                self._close(connection, "token_revoked")

    def _close(self, connection: Connection, reason: str) -> None:
        self._realtime.emit("roomClosed", {"reason": reason}, to=connection.id)
        # A client that does not take its goodbye must not hold up anybody else, not even who has just logged out.
        self._spawn(self._realtime.disconnect(connection.id, reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_of(principal: Principal, fact: SessionsEnded) -> bool:
    return principal.user_id == fact.user_id and fact.session_id in (None, principal.session_id)
