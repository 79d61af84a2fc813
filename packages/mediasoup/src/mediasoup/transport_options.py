"""What a router asks the worker for when it makes a transport; that of WebRTC, made at every join, is encoded once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from .errors import InvalidParameters
from .stencil import Stencil
from .validation import U32, integer
from .wire import Encoded, codec

#: Defaults of SCTP, in bytes.
MAX_MESSAGE_SIZE = 262_144
SCTP_SEND_BUFFER_SIZE = 2_000_000
SCTP_QUEUE_LIMIT = 2_000_000
SCTP_WINDOW = 5_242_880
SCTP_LOW_THRESHOLD = 1024


def base_options(
    enable_sctp: bool = False,
    max_sctp_message_size: int = MAX_MESSAGE_SIZE,
    sctp_send_buffer_size: int = SCTP_SEND_BUFFER_SIZE,
    **more: Any,
) -> dict[str, Any]:
    """The options of all kinds of transports; sizes in bytes. Raises `InvalidParameters`."""
    size = integer(max_sctp_message_size, "max_sctp_message_size", 1, 1 << 30)
    return {
        "enable_sctp": enable_sctp,
        "max_send_message_size": size,
        "max_receive_message_size": size,
        "sctp_send_buffer_size": integer(sctp_send_buffer_size, "sctp_send_buffer_size", 1, U32),
        "sctp_per_stream_send_queue_limit": SCTP_QUEUE_LIMIT,
        "sctp_max_receiver_window_buffer_size": SCTP_WINDOW,
        "sctp_default_stream_buffered_amount_low_threshold": SCTP_LOW_THRESHOLD,
        **more,
    }


class WebRtcOptions(NamedTuple):
    """The options of a WebRtcTransport: bitrate in bit/s, sizes in bytes, the time-out in seconds."""

    enable_udp: bool
    enable_tcp: bool
    prefer_udp: bool
    prefer_tcp: bool
    initial_available_outgoing_bitrate: int
    enable_sctp: bool
    max_sctp_message_size: int
    sctp_send_buffer_size: int
    ice_consent_timeout: int


class WebRtcForm:
    """The request for a WebRtcTransport with given options. Raises `InvalidParameters`."""

    def __init__(self, options: WebRtcOptions) -> None:
        bitrate = options.initial_available_outgoing_bitrate
        self._options = {
            "base": base_options(
                options.enable_sctp,
                options.max_sctp_message_size,
                options.sctp_send_buffer_size,
                initial_available_outgoing_bitrate=integer(bitrate, "initial_available_outgoing_bitrate", 0, 1 << 53),
                is_data_channel=True,
            ),
            "enable_udp": options.enable_udp,
            "enable_tcp": options.enable_tcp,
            "prefer_udp": options.prefer_udp,
            "prefer_tcp": options.prefer_tcp,
            "ice_consent_timeout": integer(options.ice_consent_timeout, "ice_consent_timeout", 0, 255),
        }
        self._stencils: dict[tuple[int, int], Stencil] = {}

    def on_server(self, transport_id: str, server_id: str) -> Encoded:
        """On the ports of a WebRtcServer."""
        key = (len(transport_id), len(server_id))
        stencil = self._stencils.get(key)
        if stencil is None:
            stencil = self._stencils[key] = Stencil(self._draw, "1" * key[0], "1" * key[1])
        return stencil.fill(transport_id, server_id)

    def on_own_ports(self, transport_id: str, listen_infos: list[dict[str, Any]]) -> Encoded:
        """On ports of its own."""
        return self._encode(transport_id, ("ListenIndividual", {"listen_infos": listen_infos}))

    def _draw(self, transport_id: str, server_id: str) -> Encoded:
        return self._encode(transport_id, ("ListenServer", {"web_rtc_server_id": server_id}))

    def _encode(self, transport_id: str, listen: tuple[str, dict[str, Any]]) -> Encoded:
        fields = {"transport_id": transport_id, "options": {**self._options, "listen": listen}}
        return codec("Router.CreateWebRtcTransportRequest").encode(fields)


def webrtc_form(options: WebRtcOptions) -> WebRtcForm:
    """The form for these options. Raises `InvalidParameters`."""
    try:
        return _webrtc_form(*options)
    except TypeError as error:
        raise InvalidParameters(f"the options are not plain values: {error}") from None


# Typed, so that what passes as 1 does not let 1.0 pass as well.
@lru_cache(maxsize=64, typed=True)
def _webrtc_form(*options: Any) -> WebRtcForm:
    return WebRtcForm(WebRtcOptions(*options))
