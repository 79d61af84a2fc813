"""What the worker can handle, before a router chooses from it."""

from __future__ import annotations

from typing import Literal

from .capabilities import RtpCodecCapability, RtpHeaderExtension
from .rtp_common import MediaKind, Parameters, RtcpFeedback

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RTP_STREAM_ID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RTP_STREAM_ID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
VIDEO_ORIENTATION = "urn:3gpp:video-orientation"
TIME_OFFSET = "urn:ietf:params:rtp-hdrext:toffset"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
PACKET_ID = "urn:mediasoup:params:rtp-hdrext:packet-id"

_VIDEO_FEEDBACK = (
    RtcpFeedback("nack"),
    RtcpFeedback("nack", "pli"),
    RtcpFeedback("ccm", "fir"),
    RtcpFeedback("goog-remb"),
    RtcpFeedback("transport-cc"),
)
_CC = (RtcpFeedback("transport-cc"),)
_NACK_CC = (RtcpFeedback("nack"), RtcpFeedback("transport-cc"))


def _audio(
    name: str, rate: int, *, pt: int | None = None, feedback: tuple[RtcpFeedback, ...] = _CC
) -> RtpCodecCapability:
    return RtpCodecCapability("audio", f"audio/{name}", rate, 1, pt, {}, feedback)


def _multiopus(channels: int, order: str, streams: int, coupled: int) -> RtpCodecCapability:
    layout: Parameters = {"channel_mapping": order, "num_streams": streams, "coupled_streams": coupled}
    return RtpCodecCapability("audio", "audio/multiopus", 48000, channels, None, layout, _NACK_CC)


def _video(name: str, parameters: Parameters | None = None) -> RtpCodecCapability:
    return RtpCodecCapability("video", f"video/{name}", 90000, None, None, parameters or {}, _VIDEO_FEEDBACK)


#: Without preferred payload type: a dynamic one is chosen by the router.
SUPPORTED_CODECS: tuple[RtpCodecCapability, ...] = (
    RtpCodecCapability("audio", "audio/opus", 48000, 2, None, {}, _NACK_CC),
    _multiopus(4, "0,1,2,3", 2, 2),
    _multiopus(6, "0,4,1,2,3,5", 4, 2),
    _multiopus(8, "0,6,1,2,3,4,5,7", 5, 3),
    _audio("PCMU", 8000, pt=0),
    _audio("PCMA", 8000, pt=8),
    _audio("ISAC", 32000),
    _audio("ISAC", 16000),
    _audio("G722", 8000, pt=9),
    _audio("iLBC", 8000),
    *(_audio("SILK", rate) for rate in (24000, 16000, 12000, 8000)),
    *(_audio("CN", rate, pt=13, feedback=()) for rate in (32000, 16000, 8000)),
    *(_audio("telephone-event", rate, feedback=()) for rate in (48000, 32000, 16000, 8000)),
    _video("VP8"),
    _video("VP9"),
    _video("H264", {"level-asymmetry-allowed": 1}),
    _video("AV1"),
)

_Direction = Literal["sendrecv", "recvonly"]


def _extensions() -> tuple[RtpHeaderExtension, ...]:
    # abs-capture-time (id 10) is left out on purpose: the worker waits for it in silence when a client declares that it
    # can receive it while the sender does not send it, and then never switches simulcast layers.
    both: tuple[MediaKind, ...] = ("audio", "video")
    video: tuple[MediaKind, ...] = ("video",)
    rows: tuple[tuple[tuple[MediaKind, ...], str, int, _Direction], ...] = (
        (both, MID, 1, "sendrecv"),
        (video, RTP_STREAM_ID, 2, "recvonly"),
        (video, REPAIRED_RTP_STREAM_ID, 3, "recvonly"),
        (both, ABS_SEND_TIME, 4, "sendrecv"),
        # For audio, congestion control by transport-wide sequence numbers works on what is received only.
        (("audio",), TRANSPORT_CC, 5, "recvonly"),
        (video, TRANSPORT_CC, 5, "sendrecv"),
        (("audio",), AUDIO_LEVEL, 6, "sendrecv"),
        (video, DEPENDENCY_DESCRIPTOR, 7, "recvonly"),
        (video, VIDEO_ORIENTATION, 8, "sendrecv"),
        (video, TIME_OFFSET, 9, "sendrecv"),
        (both, PLAYOUT_DELAY, 11, "sendrecv"),
        (both, PACKET_ID, 12, "sendrecv"),
    )
    return tuple(
        RtpHeaderExtension(kind, uri, number, False, direction)
        for kinds, uri, number, direction in rows
        for kind in kinds
    )


SUPPORTED_HEADER_EXTENSIONS = _extensions()
#: Every header extension that the protocol has a number for; a producer may send no other.
KNOWN_URIS = frozenset(extension.uri for extension in SUPPORTED_HEADER_EXTENSIONS) | {ABS_CAPTURE_TIME}
