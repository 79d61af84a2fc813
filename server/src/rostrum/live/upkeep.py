"""What happens to a running session when its durable room changes over REST."""

from rostrum.live.service import LiveService
from rostrum.live.stage import Stage
from rostrum.rooms import LastingRoleChanged, RoomChanged, RoomDeleted


class Upkeep:
    """Keeps live rooms in step with the durable ones."""

    def __init__(self, live: LiveService, stage: Stage) -> None:
        self._live = live
        self._stage = stage
        live.events.subscribe(RoomChanged, self._changed)
        live.events.subscribe(RoomDeleted, self._deleted)
        live.events.subscribe(LastingRoleChanged, self._role_changed)

    async def _changed(self, fact: RoomChanged) -> None:
        room = self._live.rooms.get(fact.room.id)
        if room is not None:
            room.info = fact.room

    async def _deleted(self, fact: RoomDeleted) -> None:
        self._live.recorder.room_deleted(fact.room.id)
        room = self._live.rooms.get(fact.room.id)
        if room is not None:
            await self._live.end(room, "ended")

    async def _role_changed(self, fact: LastingRoleChanged) -> None:
        room = self._live.rooms.get(fact.room.id)
        if room is None:
            return
        # What was granted on stage counts before what lasts, so it has to follow, also for who is not here now.
        await self._live.durable.grant_live_role(room.id, fact.subject, fact.role)
        for peer in [peer for peer in room.peers.values() if peer.subject == fact.subject]:
            if peer.role not in ("host", fact.role):
                await self._stage.set_role(peer, fact.role)
