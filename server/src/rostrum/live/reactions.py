"""Applause and the like: gathered, and told to the room as sums, so that thousands may clap at once."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from rostrum.kit.events import EventBus
from rostrum.kit.ratelimit import RateLimiter
from rostrum.live.events import RoomClosed
from rostrum.live.notifier import Notifier
from rostrum.live.room import LiveRoom, Peer

INTERVAL_SECONDS = 1.0


@dataclass(slots=True)
class _Gathered:
    counts: Counter[str] = field(default_factory=Counter)
    timer: asyncio.TimerHandle | None = None


class Reactions:
    """Tells a room how often each kind of reaction came, at most once a second; the first one at once.

    Args:
        limit: how many reactions a peer may send, as kit.ratelimit writes it.
    """

    def __init__(self, notifier: Notifier, events: EventBus, limits: RateLimiter, *, limit: str) -> None:
        self._notifier = notifier
        self._limits = limits
        self._limit = limit
        self._rooms: dict[LiveRoom, _Gathered] = {}
        events.subscribe(RoomClosed, self._on_room_closed)

    async def react(self, peer: Peer, kind: str) -> None:
        """Count a reaction.

        Raises:
            RateLimited: this peer reacts too often.
        """
        await self._limits.hit(self._limit, "reaction", peer.id)
        room = peer.room
        if room.closed:
            return
        gathered = self._rooms.setdefault(room, _Gathered())
        gathered.counts[kind] += 1
        if gathered.timer is None:
            self._tell(room, gathered)

    def _tell(self, room: LiveRoom, gathered: _Gathered) -> None:
        gathered.timer = None
        if not gathered.counts:
            del self._rooms[room]
            return
        self._notifier.room(room, "reactions", {"counts": dict(gathered.counts)})
        gathered.counts.clear()
        gathered.timer = asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._tell, room, gathered)

    async def _on_room_closed(self, fact: RoomClosed) -> None:
        gathered = self._rooms.pop(fact.room, None)
        if gathered is not None and gathered.timer is not None:
            gathered.timer.cancel()
