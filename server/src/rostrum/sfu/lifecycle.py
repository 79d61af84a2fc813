"""What becomes of media when peers drop, return, leave or change their role, rooms close, and workers die."""

import structlog

from rostrum.kit.events import EventBus
from rostrum.live import LiveRoom, Notifier, PeerDropped, PeerLeft, PeerResumed, RoleChanged, RoomClosed
from rostrum.sfu.media import MediaRoom
from rostrum.sfu.placement import Placement
from rostrum.sfu.pool import MediaWorker, WorkerPool
from rostrum.sfu.screen import Screen

log = structlog.get_logger(__name__)


class Lifecycle:
    """Follows the live core's facts and the workers' deaths."""

    def __init__(
        self, rooms: dict[LiveRoom, MediaRoom], placement: Placement, screen: Screen, notifier: Notifier
    ) -> None:
        self._rooms = rooms
        self._placement = placement
        self._screen = screen
        self._notifier = notifier

    def subscribe(self, events: EventBus, pool: WorkerPool) -> None:
        """Follow, for as long as the server runs."""
        pool.on_death(self._worker_died)
        events.subscribe(PeerLeft, self._on_left)
        events.subscribe(PeerDropped, self._on_dropped)
        events.subscribe(PeerResumed, self._on_resumed)
        events.subscribe(RoleChanged, self._on_role)
        events.subscribe(RoomClosed, self._on_room_closed)

    async def _on_left(self, fact: PeerLeft) -> None:
        media_room = self._rooms.get(fact.peer.room)
        media = media_room.peers.pop(fact.peer, None) if media_room is not None else None
        if media is not None:
            self._screen.release(media)
            media.close()

    async def _on_dropped(self, fact: PeerDropped) -> None:
        media_room = self._rooms.get(fact.peer.room)
        if media_room is not None and media_room.screen is fact.peer:
            self._screen.release_later(media_room.of(fact.peer))

    async def _on_resumed(self, fact: PeerResumed) -> None:
        media_room = self._rooms.get(fact.peer.room)
        media = media_room.peers.get(fact.peer) if media_room is not None else None
        if media is not None and fact.fresh:
            self._screen.release(media)
            media.close()

    async def _on_role(self, fact: RoleChanged) -> None:
        if not fact.peer.on_stage and not fact.peer.left:
            media_room = self._rooms.get(fact.peer.room)
            media = media_room.peers.get(fact.peer) if media_room is not None else None
            if media is not None:
                self._screen.release(media)
                for send in list(media.sends.values()):
                    send.producer.close()

    async def _on_room_closed(self, fact: RoomClosed) -> None:
        media_room = self._rooms.pop(fact.room, None)
        if media_room is not None:
            self._placement.close(media_room)

    def _worker_died(self, worker: MediaWorker) -> None:
        """Everything on it is gone already; tell whom it concerns, so that they build it anew."""
        for media_room in list(self._rooms.values()):
            router = self._placement.forget(media_room, worker)
            if router is None:
                continue
            affected = [media for media in media_room.peers.values() if media.router is router]
            log.warning("media.room_reset", room=media_room.live.id, worker=worker.index, peers=len(affected))
            for media in affected:
                media.close()
            for media in affected:
                self._notifier.peer(media.peer, "mediaReset", {"reason": "worker_died"})
