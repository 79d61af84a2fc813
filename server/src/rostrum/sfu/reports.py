"""What the media engine tells by itself, passed on to those whom it concerns."""

from typing import Any

from mediasoup import MediasoupError

from rostrum.live import Notifier
from rostrum.sfu.media import MediaRoom, MediaRouter, PeerMedia, Receive, Send


class Reports:
    """Passes on what happens to consumers, who speaks and how loudly."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._watched: set[MediaRouter] = set()

    def follow(self, media: PeerMedia, receive: Receive) -> None:
        """Tell a consumer's owner what happens to it."""
        consumer = receive.consumer
        ids = {"consumer_id": consumer.id, "producer_id": receive.send.id}

        def tell(event: str, **more: Any) -> None:
            self._notifier.peer(media.peer, event, {**ids, **more})

        def ended() -> None:
            if media.receives.pop(consumer.id, None) is not None:
                tell("consumerClosed")

        def forget() -> None:
            media.receives.pop(consumer.id, None)

        consumer.on("producerclose", ended)
        consumer.on("transportclose", forget)
        consumer.on("producerpause", lambda: tell("consumerPaused"))
        consumer.on("producerresume", lambda: tell("consumerResumed"))
        consumer.on("layerschange", lambda layers: tell("consumerLayersChanged", **_layers(layers)))
        consumer.on("score", lambda score: tell("consumerScore", score=score.to_json()))

    async def observe(self, send: Send) -> None:
        """Listen for speech on a microphone."""
        router = send.router
        if router not in self._watched:
            self._watch(send.media.room, router)
        try:
            await router.speakers.add_producer(send.id)
            await router.levels.add_producer(send.id)
        except MediasoupError:
            # It ended meanwhile; its own events have told whom that concerns.
            return

    def _watch(self, room: MediaRoom, router: MediaRouter) -> None:
        self._watched.add(router)
        router.router.on("close", lambda: self._watched.discard(router))
        router.speakers.on("dominantspeaker", lambda producer: self._speaker(room, producer.id))
        router.levels.on("volumes", lambda volumes: self._volumes(room, volumes))
        router.levels.on("silence", lambda: self._silence(room))

    def _speaker(self, room: MediaRoom, producer_id: str) -> None:
        send = room.sends.get(producer_id)
        if send is not None:
            body = {"peer_id": send.media.peer.id, "producer_id": producer_id}
            self._notifier.room(room.live, "activeSpeaker", body)

    def _volumes(self, room: MediaRoom, volumes: Any) -> None:
        levels = [
            {"peer_id": send.media.peer.id, "producer_id": send.id, "volume": entry.volume}
            for entry in volumes
            if (send := room.sends.get(entry.producer.id)) is not None
        ]
        room.silent = False
        self._notifier.room(room.live, "audioLevels", {"levels": levels})

    def _silence(self, room: MediaRoom) -> None:
        if not room.silent:
            room.silent = True
            self._notifier.room(room.live, "audioLevels", {"levels": []})


def _layers(layers: Any) -> dict[str, Any]:
    """Both forms that clients read: flat, and as one object; null when nothing is sent."""
    body = layers.to_json() if layers is not None else None
    return {"layers": body, **(body or {"spatialLayer": None, "temporalLayer": None})}
