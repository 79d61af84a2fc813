"""Which rooms are open on this node: opening them once, going on with interrupted sessions, letting them go."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import structlog

from rostrum.kit import tasks
from rostrum.kit.cluster import Cluster, NodeUnreachable
from rostrum.kit.db import Database
from rostrum.kit.errors import RostrumError
from rostrum.kit.events import EventBus
from rostrum.kit.quick import must_wait
from rostrum.live.events import RoomOpened
from rostrum.live.interrupted import Interruptions
from rostrum.live.recorder import SessionRecorder
from rostrum.live.room import LiveRoom
from rostrum.rooms import RoomInfo, RoomService

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 0.5
WATCH_SECONDS: Final = 3.0


@dataclass(slots=True)
class _Opening:
    """A room that is being opened, and how many wait for it."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class OpenRooms:
    """The live rooms that this node leads.

    Attributes:
        rooms: by their ids.
        interruptions: sessions that have lost their server.
    """

    def __init__(
        self,
        db: Database,
        durable: RoomService,
        events: EventBus,
        recorder: SessionRecorder,
        cluster: Cluster,
        *,
        grace_seconds: float,
    ) -> None:
        self.rooms: dict[str, LiveRoom] = {}
        self.interruptions = Interruptions(
            db, cluster, grace_seconds=grace_seconds, flush=recorder.flush, on_ended=self.end_roles
        )
        self._durable = durable
        self._events = events
        self._recorder = recorder
        self._cluster = cluster
        self._opening: dict[str, _Opening] = {}
        self._leaving: set[str] = set()
        self._watching: asyncio.Task[None] | None = None
        self._stale_roles: set[str] = set()
        durable.live_among = self.live_among
        cluster.holds = self._holds
        cluster.on_won(durable.forget)

    async def start(self) -> None:
        """Look for interrupted sessions; they have a while to be rejoined."""
        await self.interruptions.start()
        if not self._cluster.is_alone:
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Look for them no more."""
        await tasks.end(self._watching)
        await self.interruptions.close()

    async def open(self, info: RoomInfo) -> LiveRoom:
        """The live room of a durable one, made now if it does not exist.

        Raises:
            NodeUnreachable: another node has come to lead it.
        """
        room = self.rooms.get(info.id)
        if room is not None:
            return room
        # Two first joins at once must meet in one room.
        opening = self._opening.setdefault(info.id, _Opening())
        opening.users += 1
        try:
            async with opening.turn:
                return self.rooms.get(info.id) or await self._opened(info)
        finally:
            opening.users -= 1
            if not opening.users:
                del self._opening[info.id]

    def take_out(self, room: LiveRoom) -> None:
        """The room has ended: the next one who comes opens it anew. `let_go` has to follow."""
        if self.rooms.get(room.id) is room:
            del self.rooms[room.id]
            self._leaving.add(room.id)

    async def let_go(self, room_id: str) -> None:
        """Let other nodes open a room that has ended, once they can see that its session has."""
        while not self._cluster.is_alone and not await self._recorder.flush():  # noqa: ASYNC110 - nobody tells when.
            await asyncio.sleep(AGAIN_SECONDS)
        self._leaving.discard(room_id)
        await self._cluster.release(room_id)

    async def end_roles(self, room_id: str) -> None:
        """Roles granted in a session have ended with it."""
        self._stale_roles.add(room_id)
        # At once: what is only remembered would be lost with the next restart.
        await self.forget_roles(room_id)

    async def forget_roles(self, room_id: str) -> None:
        """Where the database failed when roles ended, it is tried again before the next entry."""
        if room_id not in self._stale_roles:
            return
        try:
            await self._durable.clear_live_roles(room_id)
        except RostrumError as error:
            log.warning("live.roles_not_cleared", room=room_id, code=error.code)
        else:
            self._stale_roles.discard(room_id)

    async def live_among(self, rooms: Collection[str]) -> set[str]:
        """Those of these rooms that somebody is in, on whatever node."""
        here = {room_id for room_id in rooms if (room := self.rooms.get(room_id)) is not None and room.peers}
        if self._cluster.is_alone:
            return here
        must_wait()
        return here | await self._cluster.led(rooms)

    async def has_removed(self, room_id: str, subject: str) -> bool:
        """Whether a host has removed somebody from the session that runs in a room, on whatever node."""
        room = self.rooms.get(room_id)
        if room is not None:
            return subject in room.removed
        return not self._cluster.is_alone and await self.interruptions.has_removed(room_id, subject)

    async def is_led_elsewhere(self, room: LiveRoom) -> bool:
        """Whether another node goes on with a room's session; False where nobody can tell."""
        if self._cluster.is_alone:
            return False
        try:
            return bool(await self._recorder.led_elsewhere([room]))
        except RostrumError:
            return False

    async def _watch(self) -> None:
        """While this node cannot hear the others they may take it for dead: the database tells who leads what then."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._cluster.is_cut_off and self.rooms:
                try:
                    for room in await self._recorder.led_elsewhere(self.rooms.values()):
                        await self._cluster.give_up(room.id)
                except RostrumError as error:
                    log.warning("live.leaders_unknown", code=error.code)
                except Exception:
                    log.exception("live.leaders_unknown")

    def _holds(self, room_id: str) -> bool:
        return room_id in self.rooms or room_id in self._opening or room_id in self._leaving

    async def _opened(self, info: RoomInfo) -> LiveRoom:
        if await self._cluster.lead(info.id) != self._cluster.node:
            raise NodeUnreachable(retry_after=1)  # Another node has come to lead it since this was asked for.
        interrupted = await self.interruptions.take(info.id)
        if not self._cluster.leads(info.id):
            raise NodeUnreachable(retry_after=1)  # Or has in this very moment.
        room = LiveRoom(info)
        self._recorder.opened(room, interrupted)
        await self._events.publish(RoomOpened(room))
        self.rooms[info.id] = room
        return room
