"""The transports of peers: made, connected, mended, closed."""

from typing import Any

from rostrum.sfu.errors import LimitReached, MediaRestarting, media_errors
from rostrum.sfu.media import Carrier, PeerMedia
from rostrum.sfu.placement import Placement
from rostrum.sfu.schemas import CreateTransport

TRANSPORTS_PER_PEER = 8
OUTGOING_BITRATE = 1_000_000


class Transports:
    """What can be done with them; each belongs to one peer."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement

    async def create(self, media: PeerMedia, request: CreateTransport, *, again: bool = False) -> Carrier:
        """Make a transport; with `again` one that was made before counts, if it has not been connected yet.

        Raises:
            LimitReached, MediaRestarting.
        """
        async with media.lock:
            _drop_inherited(media, request.direction)
            if again and (known := _unconnected(media, request)) is not None:
                return known
            if len(media.carriers) >= TRANSPORTS_PER_PEER:
                raise LimitReached()
            return await self._create(media, request)

    async def _create(self, media: PeerMedia, request: CreateTransport) -> Carrier:
        router = await self._placement.router_of(media)
        with media_errors():
            transport = await router.router.create_webrtc_transport(
                webrtc_server=router.media_worker.server,
                enable_udp=not request.force_tcp,
                enable_tcp=True,
                prefer_udp=True,
                initial_available_outgoing_bitrate=OUTGOING_BITRATE,
            )
        if media.peer.left or media.router is not router:
            transport.close()
            raise MediaRestarting(retry_after=1)
        carrier = Carrier(transport, request.direction, media.peer.takeovers, request.force_tcp)
        media.carriers[transport.id] = carrier
        transport.on("close", lambda: media.forget_carrier(transport.id))
        return carrier

    async def connect(self, media: PeerMedia, transport_id: str, dtls_parameters: dict[str, Any]) -> None:
        """Give a transport the client's DTLS parameters.

        Raises:
            TransportNotFound, InvalidParameters, InvalidMediaState, MediaRestarting.
        """
        carrier = media.carrier(transport_id)
        carrier.connected = True
        with media_errors():
            await carrier.transport.connect(dtls_parameters=dtls_parameters)

    async def restart_ice(self, media: PeerMedia, transport_id: str) -> dict[str, Any]:
        """New ICE parameters for a transport whose path has changed."""
        carrier = media.carrier(transport_id)
        with media_errors():
            parameters = await carrier.transport.restart_ice()
        return {"iceParameters": parameters.to_json()}

    def close(self, media: PeerMedia, transport_id: str) -> None:
        """Close one of the caller's transports and all that is on it; TransportNotFound for everything else."""
        media.carrier(transport_id).transport.close()


def described(carrier: Carrier) -> dict[str, Any]:
    """What a browser needs to use a transport."""
    transport = carrier.transport
    return {
        "id": transport.id,
        "iceParameters": transport.ice_parameters.to_json(),
        "iceCandidates": [candidate.to_json() for candidate in transport.ice_candidates],
        "dtlsParameters": transport.dtls_parameters.to_json(),
    }


def _drop_inherited(media: PeerMedia, direction: str | None) -> None:
    """A peer that came back and makes a transport anew has lost the one it had for that direction."""
    for carrier in list(media.carriers.values()):
        same = direction is None or carrier.direction in (None, direction)
        if carrier.era < media.peer.takeovers and same:
            carrier.transport.close()


def _unconnected(media: PeerMedia, request: CreateTransport) -> Carrier | None:
    wanted = (request.direction, request.force_tcp, False)
    for carrier in media.carriers.values():
        if (carrier.direction, carrier.force_tcp, carrier.connected) == wanted:
            return carrier
    return None
