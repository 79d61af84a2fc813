"""What happens to a running session when its durable room changes over REST, on whatever node."""

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from rostrum.kit import tasks
from rostrum.kit.bus import Bus
from rostrum.kit.cluster import Cluster
from rostrum.kit.errors import RostrumError
from rostrum.live.room import LiveRoom
from rostrum.live.service import LiveService
from rostrum.live.stage import Stage
from rostrum.rooms import LastingRoleChanged, RoomChanged, RoomDeleted

log = structlog.get_logger(__name__)

TOPIC: Final = "rooms"
AGAIN_SECONDS: Final = 1.0


class Upkeep:
    """Keeps live rooms in step with the durable ones.

    A change that comes to this node is told to the others as a hint, the room's id; who leads the room looks it up,
    beside the bus, until the database has told.
    """

    def __init__(self, live: LiveService, stage: Stage, bus: Bus, cluster: Cluster) -> None:
        self._live = live
        self._stage = stage
        self._bus = bus
        self._cluster = cluster
        self._changed_elsewhere: set[str] = set()
        self._following: asyncio.Task[None] | None = None
        live.events.subscribe(RoomChanged, self._changed)
        live.events.subscribe(RoomDeleted, self._deleted)
        live.events.subscribe(LastingRoleChanged, self._role_changed)
        bus.subscribe(TOPIC, self._told)
        bus.on_gap(self._catch_up)

    async def _changed(self, fact: RoomChanged) -> None:
        room = self._live.rooms.get(fact.room.id)
        if room is not None:
            room.info = fact.room
        self._tell(fact.room.id)

    async def _deleted(self, fact: RoomDeleted) -> None:
        await self._live.open_rooms.interruptions.forget(fact.room.id)
        room = self._live.rooms.get(fact.room.id)
        if room is not None:
            await self._live.end(room, "ended")
        self._tell(fact.room.id)

    async def _role_changed(self, fact: LastingRoleChanged) -> None:
        room_id = fact.room.id
        room = self._live.rooms.get(room_id)
        if room is not None or await self._cluster.led([room_id]):
            # What was granted on stage counts before what lasts, so it has to follow, also for who is not here now.
            await self._live.durable.grant_live_role(room_id, fact.subject, fact.role)
        if room is not None:
            await self._give(room, fact.subject, fact.role)
        self._tell(room_id)

    async def _give(self, room: LiveRoom, subject: str, role: str) -> None:
        for peer in [peer for peer in room.peers.values() if peer.subject == subject]:
            if peer.role not in ("host", role):
                await self._stage.set_role(peer, "cohost" if role == "cohost" else "viewer")

    def _tell(self, room_id: str) -> None:
        self._bus.publish(TOPIC, room_id.encode())

    async def close(self) -> None:
        """Look nothing up any more."""
        await tasks.end(self._following)

    async def _told(self, message: bytes) -> None:
        room_id = message.decode()
        self._live.durable.forget(room_id)
        self._look_up({room_id} & self._live.rooms.keys())

    async def _catch_up(self) -> None:
        """Hints may have been missed."""
        self._look_up(self._live.rooms.keys())

    def _look_up(self, rooms: Collection[str]) -> None:
        self._changed_elsewhere.update(rooms)
        if self._changed_elsewhere and (self._following is None or self._following.done()):
            self._following = asyncio.create_task(self._follow_all())

    async def _follow_all(self) -> None:
        while self._changed_elsewhere:
            room_id = self._changed_elsewhere.pop()
            try:
                await self._follow(room_id)
            except RostrumError as error:
                log.warning("upkeep.later", room=room_id, code=error.code)
                self._changed_elsewhere.add(room_id)
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:
                log.exception("upkeep.failed", room=room_id)

    async def _follow(self, room_id: str) -> None:
        """Another node has changed a room: look it up, and do what follows for whoever is in it here."""
        current = await self._live.durable.current(room_id)
        room = self._live.rooms.get(room_id)
        if room is None:
            return
        if current is None:
            await self._live.end(room, "ended")
            return
        room.info, granted = current
        for subject, role in granted.items():
            await self._give(room, subject, role)
