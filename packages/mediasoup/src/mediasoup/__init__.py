"""A typed asyncio controller of mediasoup-worker, the media engine. Start with `Worker.create()`."""

from .active_speaker_observer import ActiveSpeakerObserver
from .audio_level_observer import AudioLevel, AudioLevelObserver
from .binary import WORKER_VERSION, worker_binary
from .capabilities import RtpCapabilities, RtpCodecCapability, RtpHeaderExtension
from .consumer import Consumer, ConsumerLayers, ConsumerScore
from .data_consumer import DataConsumer
from .data_producer import DataProducer
from .direct_transport import DirectTransport
from .errors import (
    Closed,
    InvalidParameters,
    InvalidState,
    MediasoupError,
    NotFound,
    RequestTimeout,
    UnsupportedParameters,
    WorkerDied,
    WorkerError,
    WorkerStartError,
)
from .parameters import (
    RtcpParameters,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpParameters,
)
from .pipe import PipeResult
from .pipe_transport import PipeTransport
from .plain_transport import PlainTransport
from .producer import Producer
from .router import Router
from .rtp_common import MediaKind, RtcpFeedback
from .rtp_observer import RtpObserver
from .transport import Transport
from .transport_parameters import (
    DtlsFingerprint,
    DtlsParameters,
    IceCandidate,
    IceParameters,
    ListenInfo,
    SctpParameters,
    SctpStreamParameters,
    SrtpParameters,
    TransportTuple,
)
from .webrtc_server import WebRtcServer
from .webrtc_transport import WebRtcTransport
from .worker import Worker

__all__ = [
    "WORKER_VERSION",
    "ActiveSpeakerObserver",
    "AudioLevel",
    "AudioLevelObserver",
    "Closed",
    "Consumer",
    "ConsumerLayers",
    "ConsumerScore",
    "DataConsumer",
    "DataProducer",
    "DirectTransport",
    "DtlsFingerprint",
    "DtlsParameters",
    "IceCandidate",
    "IceParameters",
    "InvalidParameters",
    "InvalidState",
    "ListenInfo",
    "MediaKind",
    "MediasoupError",
    "NotFound",
    "PipeResult",
    "PipeTransport",
    "PlainTransport",
    "Producer",
    "RequestTimeout",
    "Router",
    "RtcpFeedback",
    "RtcpParameters",
    "RtpCapabilities",
    "RtpCodecCapability",
    "RtpCodecParameters",
    "RtpEncodingParameters",
    "RtpHeaderExtension",
    "RtpHeaderExtensionParameters",
    "RtpObserver",
    "RtpParameters",
    "SctpParameters",
    "SctpStreamParameters",
    "SrtpParameters",
    "Transport",
    "TransportTuple",
    "UnsupportedParameters",
    "WebRtcServer",
    "WebRtcTransport",
    "Worker",
    "WorkerDied",
    "WorkerError",
    "WorkerStartError",
    "worker_binary",
]
