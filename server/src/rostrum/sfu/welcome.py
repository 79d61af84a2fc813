"""Media in the very answer to `join`: what would take a client seven more questions."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from rostrum.kit.errors import RostrumError
from rostrum.kit.messages import read
from rostrum.live import Peer
from rostrum.sfu import receiving, transports
from rostrum.sfu.errors import MediaRestarting
from rostrum.sfu.media import Carrier, MediaRoom, PeerMedia, Receive, Send
from rostrum.sfu.placement import Placement
from rostrum.sfu.receiving import Receiving
from rostrum.sfu.schemas import CreateTransport, JoinMedia
from rostrum.sfu.transports import Transports

log = structlog.get_logger(__name__)

MOST_CONSUMERS = 32
MOST_VIDEOS = 16
"""What one answer brings; a client asks for the others of a larger stage as it needs them."""

PATIENCE_SECONDS = 4.0
"""So long an answer to `join` waits for media; the join itself stands without."""

Telling = Callable[[], dict[str, Any]]


class Welcome:
    """Prepares what a join asks for."""

    def __init__(
        self,
        media_of: Callable[[Peer], PeerMedia],
        placement: Placement,
        carriers: Transports,
        consumers: Receiving,
    ) -> None:
        self._media_of = media_of
        self._placement = placement
        self._transports = carriers
        self._receiving = consumers

    async def prepare(self, peer: Peer, asked: dict[str, Any]) -> Telling:
        """Make what was asked for; what is given back describes it as it is then. An error of media is part of it."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._prepare(self._media_of(peer), read(JoinMedia, asked))
        except TimeoutError:
            log.warning("media.join_waited_too_long", room=peer.room.id, peer=peer.id)
            refusal = MediaRestarting(retry_after=1).to_ack()
        except RostrumError as error:
            refusal = error.to_ack()
        return lambda: refusal

    async def _prepare(self, media: PeerMedia, request: JoinMedia) -> Telling:
        router = await self._placement.any_router(media.room)
        carriers: dict[str, Carrier] = {}
        for direction in request.directions(on_stage=media.peer.on_stage):
            wanted = CreateTransport(direction, request.force_tcp)
            carriers[direction] = await self._transports.create(media, wanted, again=True)
        known = request.tag == router.tag
        received: list[Receive] = []
        if known and request.rtp_capabilities is not None and "recv" in carriers:
            sends = chosen(media.room, media.peer)
            received = await self._receiving.consume_all(media, carriers["recv"], sends, request.rtp_capabilities)
        capabilities = None if known else router.router.rtp_capabilities.to_json()
        return lambda: _told(media, router.tag, capabilities, carriers, received)


def _told(
    media: PeerMedia,
    tag: str,
    capabilities: dict[str, Any] | None,
    carriers: dict[str, Carrier],
    received: list[Receive],
) -> dict[str, Any]:
    if any(carrier.transport.closed for carrier in carriers.values()):
        return MediaRestarting(retry_after=1).to_ack()
    return {
        "tag": tag,
        **({"routerRtpCapabilities": capabilities} if capabilities is not None else {}),
        **{f"{direction}Transport": transports.described(carrier) for direction, carrier in carriers.items()},
        "producers": [send.public() for send in media.room.sends.values() if send.media is not media],
        "consumers": [receiving.described(receive) for receive in received if not receive.consumer.closed],
    }


def chosen(room: MediaRoom, peer: Peer) -> list[Send]:
    """What one answer brings of a room's producers: sound first, then screens, then the cameras that came first."""
    others = [send for send in room.sends.values() if send.media.peer is not peer]
    sound = [send for send in others if send.producer.kind == "audio"]
    videos = [send for send in others if send.producer.kind == "video"]
    videos.sort(key=lambda send: send.source != "screen")
    return [*sound[: MOST_CONSUMERS - min(len(videos), MOST_VIDEOS)], *videos[:MOST_VIDEOS]]
