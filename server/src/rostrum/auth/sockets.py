"""Closes the sockets of sessions that have ended."""

import asyncio

from rostrum.auth.events import SessionsEnded
from rostrum.auth.principal import Principal
from rostrum.kit.events import EventBus
from rostrum.kit.realtime import Realtime


class SessionSockets:
    """A logout, another password or the end of an account closes the sockets that were opened before, at once."""

    def __init__(self, realtime: Realtime, events: EventBus) -> None:
        self._realtime = realtime
        self._closing: set[asyncio.Task[None]] = set()
        events.subscribe(SessionsEnded, self._on_ended)

    async def _on_ended(self, fact: SessionsEnded) -> None:
        for connection in self._realtime.all():
            if _is_of(connection.principal, fact):
                self._realtime.emit("roomClosed", {"reason": "token_revoked"}, to=connection.id)
                # A client that does not take its goodbye must not hold up the answer to whoever logs out.
                task = asyncio.create_task(self._realtime.disconnect(connection.id, "token_revoked"))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)


def _is_of(principal: Principal, fact: SessionsEnded) -> bool:
    return principal.user_id == fact.user_id and fact.session_id in (None, principal.session_id)
