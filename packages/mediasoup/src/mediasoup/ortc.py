"""What mediasoup calls ORTC: from what is offered and what is supported to what is sent. Pure functions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from . import h264, supported
from .capabilities import RtpCapabilities, RtpCodecCapability, RtpHeaderExtension
from .errors import InvalidParameters, UnsupportedParameters
from .parameters import (
    RtcpParameters,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpParameters,
    parse_scalability_mode,
)
from .rtp_common import MediaKind, RtcpFeedback

_DYNAMIC_PAYLOAD_TYPES = (*range(100, 128), *range(96, 100))
_DEPENDENCY_DESCRIPTOR_ID = next(
    item.preferred_id for item in supported.SUPPORTED_HEADER_EXTENSIONS if item.uri == supported.DEPENDENCY_DESCRIPTOR
)
_PIPE_DROPS = {supported.MID, supported.ABS_SEND_TIME, supported.TRANSPORT_CC}

Codec = RtpCodecCapability | RtpCodecParameters


def random_ssrc() -> int:
    """A random SSRC that leaves room for the ones counted up from it."""
    return random.randrange(100_000_000, 1_000_000_000)  # noqa: S311 - it only has to be different.


@dataclass(frozen=True, slots=True)
class EncodingMapping:
    """Which SSRC the router uses for what a producer sends with `ssrc` or `rid`."""

    mapped_ssrc: int
    ssrc: int | None = None
    rid: str | None = None


@dataclass(frozen=True, slots=True)
class RtpMapping:
    """How the router renumbers a producer's stream. `codecs` holds pairs (payload type, router's payload type)."""

    codecs: tuple[tuple[int, int], ...]
    encodings: tuple[EncodingMapping, ...]

    def to_wire(self) -> dict[str, Any]:
        return {
            "codecs": [{"payload_type": given, "mapped_payload_type": mapped} for given, mapped in self.codecs],
            "encodings": [
                {"rid": item.rid, "ssrc": item.ssrc, "mapped_ssrc": item.mapped_ssrc} for item in self.encodings
            ],
        }


@dataclass(frozen=True, slots=True)
class ConsumerTemplate:
    """What all consumers of one producer by equal capabilities have in common."""

    codecs: tuple[RtpCodecParameters, ...]
    header_extensions: tuple[RtpHeaderExtensionParameters, ...]
    rtcp: RtcpParameters
    msid: str | None
    rtx: bool
    scalability_mode: str | None
    max_bitrate: int | None

    def encoding(self, ssrc: int, rtx_ssrc: int | None = None) -> RtpEncodingParameters:
        """The single encoding of a consumer; retransmissions, if there are any, have the next SSRC by default."""
        return RtpEncodingParameters(
            ssrc=ssrc,
            rtx_ssrc=(rtx_ssrc or ssrc + 1) if self.rtx else None,
            scalability_mode=self.scalability_mode,
            max_bitrate=self.max_bitrate,
        )

    def parameters(self, encodings: Iterable[RtpEncodingParameters], mid: str | None) -> RtpParameters:
        return RtpParameters(self.codecs, self.header_extensions, tuple(encodings), self.rtcp, mid, self.msid)


def _int(value: str | int | float | None) -> str | int | float:
    """Codec parameters arrive as numbers or as digits, depending on who read the SDP."""
    if value is None:
        return 0
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _same_codec(a: Codec, b: Codec) -> bool:
    if a.mime_type.lower() != b.mime_type.lower() or a.clock_rate != b.clock_rate or a.channels != b.channels:
        return False
    if a.mime_type.lower() == "audio/multiopus":
        names = ("num_streams", "coupled_streams")
        return all(_int(a.parameters.get(name)) == _int(b.parameters.get(name)) for name in names)
    return True


def match_codecs(a: Codec, b: Codec) -> tuple[bool, dict[str, str | int | float] | None]:
    """Whether two codecs are the same, their profiles included, and the parameters that `a` has to take on, if any."""
    if not _same_codec(a, b):
        return False, None
    name = a.mime_type.lower()
    if name == "video/vp9":
        return _int(a.parameters.get("profile-id")) == _int(b.parameters.get("profile-id")), None
    if name == "video/h264":
        if _int(a.parameters.get("packetization-mode")) != _int(b.parameters.get("packetization-mode")):
            return False, None
        same, profile = h264.answer(a.parameters, b.parameters)
        parameters = {key: value for key, value in a.parameters.items() if key != "profile-level-id"}
        if profile:
            parameters["profile-level-id"] = profile
        return same, parameters if same else None
    return True, None


def _matches(a: Codec, b: Codec) -> bool:
    return match_codecs(a, b)[0]


def _apt(codec: Codec) -> int | None:
    apt = codec.parameters.get("apt")
    return int(apt) if apt is not None else None


def router_rtp_capabilities(media_codecs: Iterable[RtpCodecCapability]) -> RtpCapabilities:
    """The capabilities of a router that is to handle `media_codecs`.

    Payload types count from 100 up where none is preferred; after each video codec comes its retransmission codec.
    Raises `UnsupportedParameters` for an unknown codec, `InvalidParameters` for a payload type that occurs twice.
    """
    chosen = tuple(media_codecs)
    taken = {codec.preferred_payload_type for codec in chosen}
    free = iter([number for number in _DYNAMIC_PAYLOAD_TYPES if number not in taken])
    codecs: list[RtpCodecCapability] = []
    for wanted in chosen:
        codec = _router_codec(wanted, free)
        codecs.append(codec)
        if codec.kind == "video":
            apt = codec.preferred_payload_type
            assert apt is not None
            codecs.append(
                RtpCodecCapability("video", "video/rtx", codec.clock_rate, None, _next(free), {"apt": apt}, ())
            )
    numbers = [codec.preferred_payload_type for codec in codecs]
    if len(set(numbers)) != len(numbers):
        raise InvalidParameters("mediaCodecs: a preferredPayloadType occurs more than once")
    return RtpCapabilities(tuple(codecs), supported.SUPPORTED_HEADER_EXTENSIONS)


def _next(free: Iterable[int]) -> int:
    for number in free:
        return number
    raise InvalidParameters("mediaCodecs: more codecs than there are dynamic payload types")


def _router_codec(wanted: RtpCodecCapability, free: Iterable[int]) -> RtpCodecCapability:
    for candidate in supported.SUPPORTED_CODECS:
        if _same_codec(wanted, candidate):
            number = wanted.preferred_payload_type
            if number is None:
                number = candidate.preferred_payload_type
            return replace(
                candidate,
                preferred_payload_type=_next(free) if number is None else number,
                parameters={**candidate.parameters, **wanted.parameters},
            )
    raise UnsupportedParameters(f"the codec {wanted.mime_type} at {wanted.clock_rate} Hz is not supported")


def _match_media_codec(codec: RtpCodecParameters, router: RtpCapabilities) -> tuple[RtpCodecParameters, int]:
    """The codec as the router takes it, and the router's payload type for it."""
    for candidate in router.codecs:
        same, parameters = match_codecs(codec, candidate)
        if same:
            assert candidate.preferred_payload_type is not None
            taken = codec if parameters is None else replace(codec, parameters=parameters)
            return taken, candidate.preferred_payload_type
    raise UnsupportedParameters(f"the codec {codec.mime_type} (payload type {codec.payload_type}) is not the router's")


def _match_rtx_codec(codec: RtpCodecParameters, mapped: dict[int, int], router: RtpCapabilities) -> int:
    apt = _apt(codec)
    if apt is None or apt not in mapped:
        raise InvalidParameters(f"no media codec belongs to the RTX payload type {codec.payload_type}")
    for candidate in router.codecs:
        if candidate.is_rtx and _apt(candidate) == mapped[apt]:
            assert candidate.preferred_payload_type is not None
            return candidate.preferred_payload_type
    raise UnsupportedParameters(f"the router has no RTX for payload type {apt}")


def producer_mapping(
    parameters: RtpParameters, router: RtpCapabilities, ssrc: int | None = None
) -> tuple[RtpParameters, RtpMapping]:
    """Matches what a producer sends with what the router knows.

    Returns the parameters with negotiated H.264 profiles, and the mapping. `ssrc` is the first mapped one, random by
    default. Raises `UnsupportedParameters` for a codec that the router lacks, `InvalidParameters` for a stray RTX.
    """
    mapped: dict[int, int] = {}
    codecs = list(parameters.codecs)
    for i, codec in enumerate(codecs):
        if not codec.is_rtx:
            codecs[i], mapped[codec.payload_type] = _match_media_codec(codec, router)
    media = dict(mapped)
    for codec in codecs:
        if codec.is_rtx:
            mapped[codec.payload_type] = _match_rtx_codec(codec, media, router)
    first = random_ssrc() if ssrc is None else ssrc
    encodings = tuple(
        EncodingMapping(first + i, encoding.ssrc, encoding.rid) for i, encoding in enumerate(parameters.encodings)
    )
    return parameters.replace(codecs=tuple(codecs)), RtpMapping(tuple(mapped.items()), encodings)


def consumable_parameters(
    kind: MediaKind, parameters: RtpParameters, router: RtpCapabilities, mapping: RtpMapping
) -> RtpParameters:
    """What the router offers of a producer to consumers: its own payload types, extension ids and SSRCs."""
    mapped = dict(mapping.codecs)
    sent = {extension.uri for extension in parameters.header_extensions}
    codecs: list[RtpCodecParameters] = []
    for codec in parameters.codecs:
        if codec.is_rtx:
            continue
        number = mapped[codec.payload_type]
        if any(item.payload_type == number for item in codecs):
            # Two codecs of the sender may be one and the same to the router.
            continue
        own = next(item for item in router.codecs if item.preferred_payload_type == number)
        codecs.append(
            RtpCodecParameters(own.mime_type, number, own.clock_rate, own.channels, codec.parameters, own.rtcp_feedback)
        )
        for rtx in router.codecs:
            if rtx.is_rtx and _apt(rtx) == number:
                assert rtx.preferred_payload_type is not None
                codecs.append(
                    RtpCodecParameters(
                        rtx.mime_type, rtx.preferred_payload_type, rtx.clock_rate, None, rtx.parameters, ()
                    )
                )
    extensions = tuple(
        RtpHeaderExtensionParameters(item.uri, item.preferred_id, item.preferred_encrypt)
        for item in router.header_extensions
        if _is_sent_to_consumers(item, kind) and (item.uri != supported.ABS_CAPTURE_TIME or item.uri in sent)
    )
    encodings = tuple(
        replace(encoding, rid=None, rtx_ssrc=None, codec_payload_type=None, ssrc=entry.mapped_ssrc)
        for encoding, entry in zip(parameters.encodings, mapping.encodings, strict=True)
    )
    return RtpParameters(
        tuple(codecs), extensions, encodings, RtcpParameters(parameters.rtcp.cname), None, parameters.msid
    )


def _is_sent_to_consumers(extension: RtpHeaderExtension, kind: MediaKind) -> bool:
    return extension.kind == kind and extension.direction in ("sendrecv", "sendonly")


def can_consume(consumable: RtpParameters, capabilities: RtpCapabilities) -> bool:
    """Whether an endpoint with `capabilities` can receive at least the first media codec that it shares."""
    matching = [codec for codec in consumable.codecs if any(_matches(own, codec) for own in capabilities.codecs)]
    return bool(matching) and not matching[0].is_rtx


def _reduce_feedback(
    codecs: Iterable[RtpCodecParameters], keep: Callable[[RtcpFeedback], bool]
) -> tuple[RtpCodecParameters, ...]:
    return tuple(
        replace(codec, rtcp_feedback=tuple(item for item in codec.rtcp_feedback if keep(item))) for codec in codecs
    )


def _congestion_control(extensions: Iterable[RtpHeaderExtensionParameters]) -> str | None:
    """The best kind of feedback that the header extensions allow."""
    uris = {extension.uri for extension in extensions}
    if supported.TRANSPORT_CC in uris:
        return "transport-cc"
    return "goog-remb" if supported.ABS_SEND_TIME in uris else None


def consumer_template(consumable: RtpParameters, capabilities: RtpCapabilities, enable_rtx: bool) -> ConsumerTemplate:
    """Reduces what a producer offers to what an endpoint can receive.

    Raises `UnsupportedParameters` if they have no media codec in common.
    """
    codecs = []
    for codec in consumable.codecs:
        if codec.is_rtx and not enable_rtx:
            continue
        own = next((item for item in capabilities.codecs if _matches(item, codec)), None)
        if own is not None:
            codecs.append(replace(codec, rtcp_feedback=own.rtcp_feedback))
    media = {codec.payload_type for codec in codecs if not codec.is_rtx}
    codecs = [codec for codec in codecs if not codec.is_rtx or _apt(codec) in media]
    if not codecs or codecs[0].is_rtx:
        raise UnsupportedParameters("no compatible media codec")
    known = {(extension.preferred_id, extension.uri) for extension in capabilities.header_extensions}
    extensions = tuple(item for item in consumable.header_extensions if (item.id, item.uri) in known)
    control = _congestion_control(extensions)

    def keep(item: RtcpFeedback) -> bool:
        if item.type in ("transport-cc", "goog-remb"):
            return item.type == control
        return enable_rtx or item.type != "nack" or bool(item.parameter)

    mode = next((item.scalability_mode for item in consumable.encodings if item.scalability_mode), None)
    if len(consumable.encodings) > 1:
        # The layers of simulcast are the spatial layers of what the consumer gets.
        mode = f"L{len(consumable.encodings)}T{parse_scalability_mode(mode)[1]}"
    bitrate = max((encoding.max_bitrate or 0 for encoding in consumable.encodings), default=0)
    return ConsumerTemplate(
        _reduce_feedback(codecs, keep),
        extensions,
        consumable.rtcp,
        consumable.msid,
        any(codec.is_rtx for codec in codecs),
        mode,
        bitrate or None,
    )


def consumer_parameters(
    consumable: RtpParameters,
    capabilities: RtpCapabilities,
    *,
    enable_rtx: bool = True,
    pipe: bool = False,
    mid: str | None = None,
) -> RtpParameters:
    """The parameters of a new consumer. With `pipe` all encodings are kept, else they become one.

    Raises `UnsupportedParameters` if there is no media codec in common.
    """
    template = consumer_template(consumable, capabilities, enable_rtx)
    if pipe:
        return template.parameters(renumber(consumable.encodings, template.rtx), mid)
    return template.parameters([template.encoding(random_ssrc())], mid)


def renumber(encodings: Iterable[RtpEncodingParameters], rtx: bool) -> list[RtpEncodingParameters]:
    """Copies of all encodings with new SSRCs, for a consumer that gets every layer."""
    # Ten digits apart, so that the two rows of numbers never meet.
    ssrc, rtx_ssrc = random_ssrc(), random_ssrc() + 1_000_000_000
    return [
        replace(encoding, ssrc=ssrc + i, rtx_ssrc=rtx_ssrc + i if rtx else None) for i, encoding in enumerate(encodings)
    ]


def pipe_consumer_parameters(consumable: RtpParameters, enable_rtx: bool) -> RtpParameters:
    """The parameters of a consumer that feeds another router: all encodings, no bandwidth estimation, no MID."""

    def keep(item: RtcpFeedback) -> bool:
        plain_nack = item.type == "nack" and not item.parameter
        return (item.type, item.parameter) in (("nack", "pli"), ("ccm", "fir")) or (enable_rtx and plain_nack)

    codecs = _reduce_feedback((codec for codec in consumable.codecs if enable_rtx or not codec.is_rtx), keep)
    extensions = [item for item in consumable.header_extensions if item.uri not in _PIPE_DROPS]
    if codecs[0].kind == "video":
        # Routers only receive this one, so it is not among what consumers are offered; between routers it must travel.
        extensions.append(RtpHeaderExtensionParameters(supported.DEPENDENCY_DESCRIPTOR, _DEPENDENCY_DESCRIPTOR_ID))
        extensions.sort(key=lambda item: item.id)
    encodings = tuple(renumber(consumable.encodings, enable_rtx))
    return RtpParameters(codecs, tuple(extensions), encodings, consumable.rtcp, None, consumable.msid)
