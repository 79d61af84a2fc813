"""Socket door of media."""

from typing import Any

from rostrum.kit.messages import read
from rostrum.kit.realtime import Realtime
from rostrum.kit.sockets import Connection
from rostrum.live import LiveService, PeerRef, Stage, require_stage
from rostrum.sfu import receiving, schemas, transports
from rostrum.sfu.media import PeerMedia
from rostrum.sfu.service import SfuService


class SfuSignals:
    """Each event one method: read, one verb, answer."""

    def __init__(self, sfu: SfuService, live: LiveService, stage: Stage) -> None:
        self._sfu = sfu
        self._live = live
        self._stage = stage

    def register(self, realtime: Realtime) -> None:
        """Answer the events of this feature."""
        realtime.on("getRouterRtpCapabilities", self.capabilities)
        realtime.on("createWebRtcTransport", self.create_transport)
        realtime.on("connectTransport", self.connect_transport)
        realtime.on("restartIce", self.restart_ice)
        realtime.on("closeTransport", self.close_transport)
        realtime.on("getProducers", self.get_producers)
        realtime.on("produce", self.produce)
        realtime.on("consume", self.consume)
        realtime.on("resume", self.resume)
        realtime.on("setPreferredLayers", self.set_preferred_layers)
        realtime.on("videoPaused", self.video_paused)
        realtime.on("videoResumed", self.video_resumed)
        realtime.on("screen:shared", self.screen_shared)
        realtime.on("screen:stopped", self.screen_stopped)
        realtime.on("producerClosed", self.producer_closed)
        realtime.on("peer:mute", self.peer_mute)

    async def capabilities(self, connection: Connection, *_: Any) -> dict[str, Any]:
        """What the room's router can do."""
        return await self._sfu.capabilities(self._live.peer_of(connection))

    def _media(self, connection: Connection) -> PeerMedia:
        return self._sfu.media_of(self._live.peer_of(connection))

    async def create_transport(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Make a transport."""
        media = self._media(connection)
        return transports.described(await self._sfu.transports.create(media, read(schemas.CreateTransport, body)))

    async def connect_transport(self, connection: Connection, body: Any = None, *_: Any) -> str:
        """Connect a transport."""
        media = self._media(connection)
        request = read(schemas.ConnectTransport, body)
        await self._sfu.transports.connect(media, request.transport_id, request.dtls_parameters)
        return "success"

    async def restart_ice(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Restart a transport's ICE."""
        media = self._media(connection)
        return await self._sfu.transports.restart_ice(media, read(schemas.TransportRef, body).transport_id)

    async def close_transport(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Close a transport and all that is on it."""
        media = self._media(connection)
        self._sfu.transports.close(media, read(schemas.TransportRef, body).transport_id)

    async def get_producers(self, connection: Connection, *_: Any) -> list[dict[str, Any]]:
        """List what the others send."""
        peer = self._live.peer_of(connection)
        producers = self._sfu.producers(peer)
        if not connection.wants_answer:
            self._live.notifier.peer(peer, "newProducers", producers)
        return producers

    async def produce(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Send a track."""
        peer = self._live.peer_of(connection)
        # A viewer is refused whatever the body is.
        require_stage(peer)
        request = read(schemas.Produce, body)
        request.check()
        return await self._sfu.produce(peer, request)

    async def consume(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Receive a track."""
        media = self._media(connection)
        return receiving.described(await self._sfu.receiving.consume(media, read(schemas.Consume, body)))

    async def resume(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Let consumers flow."""
        media = self._media(connection)
        return {"resumed": await self._sfu.receiving.resume(media, read(schemas.Resume, body).consumer_id)}

    async def set_preferred_layers(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Choose layers."""
        media = self._media(connection)
        await self._sfu.receiving.set_preferred_layers(media, read(schemas.PreferredLayers, body))

    async def video_paused(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Pause an own producer."""
        await self._pause(connection, "videoPaused", body, paused=True)

    async def video_resumed(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Resume an own producer."""
        await self._pause(connection, "videoResumed", body, paused=False)

    async def _pause(self, connection: Connection, event: str, body: Any, *, paused: bool) -> None:
        peer = self._live.peer_of(connection)
        request = read(schemas.OptionalProducerRef, body)
        send = await self._sfu.set_paused(peer, request.producer_id, paused=paused)
        facts = {"producer_id": send.id, "peer_id": peer.id, "kind": send.producer.kind, "type": send.source}
        self._live.notifier.relay(peer, event, facts)

    async def screen_shared(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Announce the own screen."""
        peer = self._live.peer_of(connection)
        require_stage(peer)
        producer_id = read(schemas.OptionalProducerRef, body).producer_id
        media = self._sfu.media_of(peer)
        if producer_id is not None:
            media.send(producer_id)
        self._sfu.screen.share(media, producer_id)

    async def screen_stopped(self, connection: Connection, *_: Any) -> None:
        """Announce its end."""
        peer = self._live.peer_of(connection)
        self._sfu.screen.release(self._sfu.media_of(peer))

    async def producer_closed(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """End a producer."""
        peer = self._live.peer_of(connection)
        producer_id = read(schemas.ProducerRef, body).producer_id
        if self._sfu.is_own(peer, producer_id):
            self._sfu.close_producer(peer, producer_id)
            return
        async with self._stage.watch("producer.close", peer) as watched:
            watched.resource += f"/producer:{producer_id}"
            self._sfu.close_producer(peer, producer_id)

    async def peer_mute(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Silence somebody."""
        peer = self._live.peer_of(connection)
        request = read(schemas.Mute, body)
        async with self._stage.watch("peer.mute", peer) as watched:
            target = self._stage.target(peer, PeerRef(request.peer_id, request.id, request.socket_id))
            watched.resource += f"/subject:{target.subject}/kind:{request.kind}"
            producer_ids = await self._sfu.mute(target, request.kind)
        facts = {"peer_id": target.id, "kind": request.kind, "producer_ids": producer_ids, "by": peer.name}
        self._live.notifier.relay(peer, "peer:mute", facts)
