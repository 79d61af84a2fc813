"""What a live room has of media: its routers, and each peer's transports, producers and consumers."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mediasoup import (
    ActiveSpeakerObserver,
    AudioLevelObserver,
    Consumer,
    Producer,
    Router,
    WebRtcTransport,
)

from rostrum.live import LiveRoom, Peer
from rostrum.sfu.errors import ConsumerNotFound, ProducerNotFound, TransportNotFound
from rostrum.sfu.pool import MediaWorker
from rostrum.sfu.schemas import Source


@dataclass(eq=False, slots=True)
class MediaRouter:
    """A room's router on one worker. A room has one, and more when it is larger than a worker.

    `tag` stands for its capabilities: routers with the same tag have the same.
    """

    media_worker: MediaWorker
    router: Router
    speakers: ActiveSpeakerObserver
    levels: AudioLevelObserver
    tag: str

    @property
    def alive(self) -> bool:
        """Whether it can take work."""
        return self.media_worker.alive and not self.router.closed


@dataclass(eq=False, slots=True)
class Send:
    """A producer of a peer. `pipes`: its way to the room's other routers; `ended_by`: a host who has ended it."""

    producer: Producer
    media: "PeerMedia"
    source: Source
    router: MediaRouter
    ended_by: Peer | None = None
    pipes: dict[MediaRouter, "asyncio.Task[Any]"] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The producer's id, the same on all routers."""
        return self.producer.id

    def public(self) -> dict[str, Any]:
        """As `newProducers` and `getProducers` list it."""
        peer = self.media.peer
        return {
            "producer_id": self.producer.id,
            "producer_socket_id": peer.connection_id,
            "peer_id": peer.id,
            "name": peer.name,
            "kind": self.producer.kind,
            "type": self.source,
            "paused": self.producer.paused,
        }


@dataclass(eq=False, slots=True)
class Receive:
    """A consumer of a peer."""

    consumer: Consumer
    send: Send
    transport_id: str


@dataclass(eq=False, slots=True)
class Carrier:
    """A transport of a peer. `era`: how often the peer had been taken over when it was made."""

    transport: WebRtcTransport
    direction: str | None
    era: int
    force_tcp: bool = False
    connected: bool = False


@dataclass(eq=False, slots=True)
class PeerMedia:
    """What one peer has. `lock` guards its structure: a peer's requests change it one at a time."""

    peer: Peer
    room: "MediaRoom"
    router: MediaRouter | None = None
    reserved: int = 0
    carriers: dict[str, Carrier] = field(default_factory=dict)
    sends: dict[str, Send] = field(default_factory=dict)
    receives: dict[str, Receive] = field(default_factory=dict)
    ended_sends: deque[str] = field(default_factory=lambda: deque(maxlen=32))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def carrier(self, transport_id: str) -> Carrier:
        """The peer's own transport; TransportNotFound for everything else."""
        carrier = self.carriers.get(transport_id)
        if carrier is None:
            raise TransportNotFound()
        return carrier

    def forget_carrier(self, transport_id: str) -> None:
        """A transport has closed."""
        self.carriers.pop(transport_id, None)

    def receive(self, consumer_id: str) -> Receive:
        """The peer's own consumer; ConsumerNotFound for everything else."""
        receive = self.receives.get(consumer_id)
        if receive is None:
            raise ConsumerNotFound()
        return receive

    def send(self, producer_id: str | None, default: Source = "camera") -> Send:
        """The peer's own producer, or its newest of a source; ProducerNotFound for everything else."""
        if producer_id is not None:
            send = self.sends.get(producer_id)
        else:
            send = next((send for send in reversed(self.sends.values()) if send.source == default), None)
        if send is None:
            raise ProducerNotFound()
        return send

    def reserve(self, consumers: int) -> None:
        """Count at least this many consumers for the peer in its worker's load."""
        if self.router is not None and consumers > self.reserved:
            self.router.media_worker.load += consumers - self.reserved
            self.reserved = consumers

    def place(self, router: MediaRouter) -> None:
        """Put the peer on a router; all its transports will be there."""
        self.router = router
        self.reserve(2)

    def unplace(self) -> None:
        """Take it off again, its load with it."""
        if self.router is not None:
            self.router.media_worker.load -= self.reserved
        self.router, self.reserved = None, 0

    def close(self) -> None:
        """End all its media; what is closed tells its own listeners. Harmless when repeated."""
        for carrier in list(self.carriers.values()):
            carrier.transport.close()
        self.carriers.clear()
        self.sends.clear()
        self.receives.clear()
        self.unplace()


@dataclass(eq=False, slots=True)
class MediaRoom:
    """The media of a live room.

    `screen` is the peer that shares its screen, or is about to; `screen_socket` its socket when it was last heard of.
    """

    live: LiveRoom
    routers: dict[MediaWorker, MediaRouter] = field(default_factory=dict)
    peers: dict[Peer, PeerMedia] = field(default_factory=dict)
    sends: dict[str, Send] = field(default_factory=dict)
    screen: Peer | None = None
    screen_socket: str | None = None
    silent: bool = True
    closed: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def of(self, peer: Peer) -> PeerMedia:
        """A peer's media."""
        media = self.peers.get(peer)
        if media is None:
            media = self.peers[peer] = PeerMedia(peer, self)
        return media

    def send(self, producer_id: str) -> Send:
        """A producer of this room; ProducerNotFound for everything else."""
        send = self.sends.get(producer_id)
        if send is None:
            raise ProducerNotFound()
        return send

    def alive(self) -> Iterator[MediaRouter]:
        """The routers that can take work, the oldest first."""
        return (router for router in self.routers.values() if router.alive)
