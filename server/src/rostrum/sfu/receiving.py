"""The consumers of peers: what they receive, and when it flows."""

import asyncio
from contextlib import suppress
from typing import Any

from mediasoup import Consumer, MediasoupError

from rostrum.sfu.errors import (
    ConsumerNotFound,
    InvalidParameters,
    LimitReached,
    MediaRestarting,
    ProducerNotFound,
    media_errors,
)
from rostrum.sfu.media import Carrier, PeerMedia, Receive, Send
from rostrum.sfu.placement import Placement
from rostrum.sfu.reports import Reports
from rostrum.sfu.schemas import Consume, PreferredLayers

CONSUMERS_PER_PEER = 256


class Receiving:
    """What can be done with consumers; each belongs to one peer."""

    def __init__(self, placement: Placement, reports: Reports) -> None:
        self._placement = placement
        self._reports = reports
        self._asking: set[asyncio.Task[None]] = set()

    async def consume(self, media: PeerMedia, request: Consume) -> Receive:
        """Start to receive a producer of the room. Asked again on the same transport, it is the same consumer.

        Raises:
            TransportNotFound, ProducerNotFound, LimitReached, InvalidParameters, MediaRestarting.
        """
        async with media.lock:
            carrier = media.carrier(request.consumer_transport_id)
            send = media.room.send(request.producer_id)
            if len(media.receives) >= CONSUMERS_PER_PEER and _existing(media, send, carrier) is None:
                raise LimitReached()
            return await self._receive(media, carrier, send, request.rtp_capabilities, paused=request.paused)

    async def consume_all(
        self, media: PeerMedia, carrier: Carrier, sends: list[Send], rtp_capabilities: dict[str, Any]
    ) -> list[Receive]:
        """Start to receive many at once; what the receiver cannot have is left out.

        They are not paused: the transport is still to be connected, and nothing flows before that.
        """
        async with media.lock:
            room_left = max(0, CONSUMERS_PER_PEER - len(media.receives))
            asked = [self._receive(media, carrier, send, rtp_capabilities, paused=False) for send in sends[:room_left]]
            made = await asyncio.gather(*asked, return_exceptions=True)
        return [receive for receive in made if isinstance(receive, Receive)]

    async def _receive(
        self, media: PeerMedia, carrier: Carrier, send: Send, rtp_capabilities: dict[str, Any], *, paused: bool
    ) -> Receive:
        known = _existing(media, send, carrier)
        if known is not None:
            return known
        if media.router is None:
            raise MediaRestarting(retry_after=1)
        await self._placement.bring(send, media.router)
        with media_errors():
            consumer = await carrier.transport.consume(
                producer_id=send.id, rtp_capabilities=rtp_capabilities, paused=paused
            )
        if consumer.closed or media.peer.left:
            consumer.close()
            raise ProducerNotFound()
        receive = Receive(consumer, send, carrier.transport.id)
        media.receives[consumer.id] = receive
        media.reserve(len(media.receives))
        self._reports.follow(media, receive)
        if consumer.type == "svc":
            self._light_up(carrier, consumer)
            if carrier.connected and not paused:
                await _ask_for_key_frame(consumer)
        return receive

    def _light_up(self, carrier: Carrier, consumer: Consumer) -> None:
        """Ask for a key frame once the receiver is connected, for which nobody can be asked before.

        Of a single stream with layers the engine may let the first one go by, and the picture would stay dark.
        """

        def on_state(state: str) -> None:
            if state == "connected" and not consumer.paused:
                task = asyncio.ensure_future(_ask_for_key_frame(consumer))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)

        consumer.on("close", carrier.transport.on("dtlsstatechange", on_state))

    async def resume(self, media: PeerMedia, consumer_id: str | None) -> list[str]:
        """Let paused consumers flow: one, or all of the caller's. Video begins with a key frame.

        Raises:
            ConsumerNotFound: the one that was asked for is none of the caller's.
        """
        chosen = [media.receive(consumer_id)] if consumer_id is not None else list(media.receives.values())
        done = await asyncio.gather(*(self._resume(receive) for receive in chosen))
        if consumer_id is not None and False in done:
            raise ConsumerNotFound()
        return [receive.consumer.id for receive in chosen if not receive.consumer.paused]

    async def _resume(self, receive: Receive) -> bool:
        """False: its producer ends at this very moment; the worker knows it, and we are about to be told."""
        consumer = receive.consumer
        try:
            with media_errors():
                if consumer.paused and not consumer.closed:
                    await consumer.resume()
                if consumer.type == "svc":
                    await _ask_for_key_frame(consumer)
        except InvalidParameters:
            return False
        return True

    async def set_preferred_layers(self, media: PeerMedia, request: PreferredLayers) -> None:
        """Which layers of a simulcast stream the caller wants."""
        receive = media.receive(request.consumer_id)
        with media_errors():
            await receive.consumer.set_preferred_layers(request.spatial_layer, request.temporal_layer)


async def _ask_for_key_frame(consumer: Consumer) -> None:
    with suppress(MediasoupError):  # It ended meanwhile; its own events tell that.
        await consumer.request_key_frame()


def described(receive: Receive) -> dict[str, Any]:
    """A consumer as `consume` answers it."""
    consumer = receive.consumer
    return {
        "id": consumer.id,
        "producerId": consumer.producer_id,
        "kind": consumer.kind,
        "rtpParameters": consumer.rtp_parameters.to_json(),
        "type": consumer.type,
        "producerPaused": consumer.producer_paused,
        "paused": consumer.paused,
        "appData": {"type": receive.send.source},
        "peer_id": receive.send.media.peer.id,
    }


def _existing(media: PeerMedia, send: Send, carrier: Carrier) -> Receive | None:
    for receive in media.receives.values():
        if receive.send is send and receive.transport_id == carrier.transport.id:
            return receive
    return None
