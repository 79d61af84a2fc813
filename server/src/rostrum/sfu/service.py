"""The verbs of media: what a room's producers do; its transports and consumers are in modules of their own."""

from typing import Any

import structlog

from rostrum.kit.events import EventBus
from rostrum.live import LiveRoom, LiveService, Peer, require_stage
from rostrum.sfu.errors import LimitReached, MediaRestarting, ProducerNotFound, TransportNotFound, media_errors
from rostrum.sfu.lifecycle import Lifecycle
from rostrum.sfu.media import Carrier, MediaRoom, PeerMedia, Send
from rostrum.sfu.placement import Placement
from rostrum.sfu.pool import WorkerPool
from rostrum.sfu.receiving import Receiving
from rostrum.sfu.reports import Reports
from rostrum.sfu.schemas import Produce
from rostrum.sfu.screen import Screen
from rostrum.sfu.transports import Transports
from rostrum.sfu.view import MediaView
from rostrum.sfu.welcome import Welcome

log = structlog.get_logger(__name__)

PRODUCERS_PER_PEER = 8
# A stream that many people join at once is asked for one key frame a second, not for one each.
KEY_FRAME_DELAY_MS = 1000


class SfuService:
    """The media of all live rooms.

    Args:
        consumers_per_worker: consumers that a worker takes before a room spills over to the next.
    """

    def __init__(self, live: LiveService, events: EventBus, pool: WorkerPool, *, consumers_per_worker: int) -> None:
        self._live = live
        self._pool = pool
        self._placement = Placement(pool, limit=consumers_per_worker)
        self._rooms: dict[LiveRoom, MediaRoom] = {}
        self.screen = Screen(live.notifier, self.close_send)
        self._reports = Reports(live.notifier)
        self.transports = Transports(self._placement)
        self.receiving = Receiving(self._placement, self._reports)
        welcome = Welcome(self.media_of, self._placement, self.transports, self.receiving)
        self._view = MediaView(self._rooms, self.screen, welcome)
        live.answers.contribute(self._view)
        Lifecycle(self._rooms, self._placement, self.screen, live.notifier).subscribe(events, pool)

    async def start(self) -> None:
        """Start the media workers."""
        await self._pool.start()

    async def close(self) -> None:
        """End them."""
        await self._pool.close()

    def problems(self) -> list[str]:
        """Why media cannot be served; empty when it can."""
        if self._pool.workers:
            return []
        return [f"no media worker runs ({self._pool.last_error or 'starting'})"]

    def media_of(self, peer: Peer) -> PeerMedia:
        """A peer's media.

        Raises:
            TransportNotFound: the peer has left meanwhile.
        """
        if peer.left:
            raise TransportNotFound()
        room = self._rooms.get(peer.room)
        if room is None:
            room = self._rooms[peer.room] = MediaRoom(peer.room)
        return room.of(peer)

    async def capabilities(self, peer: Peer) -> dict[str, Any]:
        """What the room's routers can do."""
        router = await self._placement.any_router(self.media_of(peer).room)
        return router.router.rtp_capabilities.to_json()

    async def produce(self, peer: Peer, request: Produce) -> dict[str, Any]:
        """Start to send a track into the room.

        Raises:
            StageOnly: a viewer asks.
            ScreenBusy: somebody else shares their screen.
            TransportNotFound, LimitReached, InvalidParameters, MediaRestarting.
        """
        require_stage(peer)
        media = self.media_of(peer)
        async with media.lock:
            carrier = media.carrier(request.producer_transport_id)
            if len(media.sends) >= PRODUCERS_PER_PEER:
                raise LimitReached()
            if request.source == "screen":
                self.screen.reserve(media)
            elif request.source == "screen-audio":
                self.screen.check(media)
            try:
                send = await self._produce(media, carrier, request)
            except BaseException:
                self.screen.failed(media)
                raise
        if send.producer.kind == "audio" and send.source == "mic":
            await self._reports.observe(send)
        self._live.notifier.room(peer.room, "newProducers", [send.public()], skip=peer)
        return {"producer_id": send.id, "id": send.id}

    async def _produce(self, media: PeerMedia, carrier: Carrier, request: Produce) -> Send:
        router = media.router
        if router is None:
            raise MediaRestarting(retry_after=1)
        with media_errors():
            producer = await carrier.transport.produce(
                kind=request.kind,
                rtp_parameters=request.rtp_parameters,
                paused=request.paused,
                key_frame_request_delay=KEY_FRAME_DELAY_MS if request.kind == "video" else 0,
            )
        # The role may have been taken away while the worker was asked.
        if producer.closed or media.peer.left or not media.peer.on_stage:
            producer.close()
            require_stage(media.peer)
            raise MediaRestarting(retry_after=1)
        send = Send(producer, media, request.source, router)
        media.sends[producer.id] = send
        media.room.sends[producer.id] = send
        producer.on("close", lambda: self._send_ended(send))
        return send

    async def set_paused(self, peer: Peer, producer_id: str | None, *, paused: bool) -> Send:
        """Pause or resume one's own producer, the camera by default."""
        send = self.media_of(peer).send(producer_id)
        with media_errors():
            await (send.producer.pause() if paused else send.producer.resume())
        return send

    async def mute(self, target: Peer, kind: str) -> list[str]:
        """Pause a peer's microphone or camera; the ids of the producers."""
        chosen = [send for send in self.media_of(target).sends.values() if send.source == _SOURCES[kind]]
        with media_errors():
            for send in chosen:
                await send.producer.pause()
        return [send.id for send in chosen]

    def is_own(self, peer: Peer, producer_id: str) -> bool:
        """Whether a producer is the caller's own, or was."""
        media = self.media_of(peer)
        return producer_id in media.sends or producer_id in media.ended_sends

    def close_producer(self, peer: Peer, producer_id: str) -> None:
        """End a producer: one's own, or anyone's as a host.

        Raises:
            ProducerNotFound: the room has none, or a host would be needed.
        """
        media = self.media_of(peer)
        if producer_id in media.ended_sends:
            return
        send = media.sends.get(producer_id)
        if send is None:
            if peer.role != "host":
                log.warning("sfu.refused", room=peer.room.id, peer=peer.id, subject=peer.subject, what="producerClosed")
                raise ProducerNotFound()
            send = media.room.send(producer_id)
            send.ended_by = peer
        self.close_send(send)

    def close_send(self, send: Send) -> None:
        """End a producer; who consumed it is told by its consumers' own events."""
        send.producer.close()

    def producers(self, peer: Peer) -> list[dict[str, Any]]:
        """What the others in the caller's room send."""
        return self._view.producers(peer.room, skip=peer)

    def _send_ended(self, send: Send) -> None:
        media = send.media
        media.sends.pop(send.id, None)
        media.ended_sends.append(send.id)
        if media.room.sends.pop(send.id, None) is None:
            return
        body = {"producer_id": send.id, "peer_id": media.peer.id, "kind": send.producer.kind, "type": send.source}
        self._live.notifier.room(media.peer.room, "producerClosed", body, skip=send.ended_by or media.peer)
        if send.source == "screen":
            self.screen.ended(media)


_SOURCES = {"audio": "mic", "video": "camera"}
