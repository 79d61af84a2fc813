"""RTP parameters: how a stream is sent or received. Typed and immutable.

`from_json` takes the camelCase form in which browsers send them and checks everything: types, ranges, lengths, numbers
that occur twice. `to_json` gives that form back; its result is shared and must not be modified.
Shapes as in https://mediasoup.org/documentation/v3/mediasoup/rtp-parameters-and-capabilities/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

from .capabilities import MAX_CODECS, MAX_HEADER_EXTENSIONS
from .errors import InvalidParameters
from .rtp_common import (
    MediaKind,
    Parameters,
    RtcpFeedback,
    channel_count,
    check_mime_type,
    check_unique,
    codec_parameters,
    feedback_list,
    without_none,
)
from .validation import U32, boolean, integer, mapping, optional_integer, optional_text, sequence, text

MAX_ENCODINGS = 16
MAX_BITRATE = 1 << 53

_SCALABILITY_MODE = re.compile(r"[LS]([1-9])T([1-9])h?(_KEY(_SHIFT)?)?", re.ASCII)


@dataclass(frozen=True)
class RtpCodecParameters:
    """A codec as it is used in a stream. `payload_type` 0 to 127, `clock_rate` in hertz."""

    mime_type: str
    payload_type: int
    clock_rate: int
    channels: int | None = None
    parameters: Parameters = field(default_factory=dict, hash=False)
    rtcp_feedback: tuple[RtcpFeedback, ...] = ()

    @classmethod
    def from_json(cls, value: Any, path: str = "codec") -> RtpCodecParameters:
        """Raises `InvalidParameters`."""
        given = mapping(value, path)
        mime_type = check_mime_type(given.get("mimeType"), f"{path}.mimeType")
        return cls(
            mime_type,
            integer(given.get("payloadType"), f"{path}.payloadType", 0, 127),
            integer(given.get("clockRate"), f"{path}.clockRate", 1, U32),
            channel_count(given.get("channels"), mime_type[:5].lower(), f"{path}.channels"),
            codec_parameters(given.get("parameters"), f"{path}.parameters"),
            feedback_list(given.get("rtcpFeedback"), f"{path}.rtcpFeedback"),
        )

    @property
    def is_rtx(self) -> bool:
        return self.mime_type.lower().endswith("/rtx")

    @property
    def kind(self) -> MediaKind:
        return cast(MediaKind, self.mime_type[:5].lower())

    @cached_property
    def _json(self) -> dict[str, Any]:
        return without_none(
            mimeType=self.mime_type,
            payloadType=self.payload_type,
            clockRate=self.clock_rate,
            channels=self.channels,
            parameters=self.parameters,
            rtcpFeedback=[item.to_json() for item in self.rtcp_feedback],
        )

    def to_json(self) -> dict[str, Any]:
        return self._json


@dataclass(frozen=True)
class RtpHeaderExtensionParameters:
    """A header extension as it is used in a stream. `id` 1 to 255."""

    uri: str
    id: int
    encrypt: bool = False
    parameters: Parameters = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, value: Any, path: str = "extension") -> RtpHeaderExtensionParameters:
        """Raises `InvalidParameters`."""
        given = mapping(value, path)
        return cls(
            text(given.get("uri"), f"{path}.uri", 256),
            integer(given.get("id"), f"{path}.id", 1, 255),
            boolean(given.get("encrypt") or False, f"{path}.encrypt"),
            codec_parameters(given.get("parameters"), f"{path}.parameters"),
        )

    def to_json(self) -> dict[str, Any]:
        return {"uri": self.uri, "id": self.id, "encrypt": self.encrypt, "parameters": self.parameters}


@dataclass(frozen=True, slots=True)
class RtpEncodingParameters:
    """One encoding (simulcast layer) of a stream. `max_bitrate` in bit/s."""

    ssrc: int | None = None
    rid: str | None = None
    codec_payload_type: int | None = None
    rtx_ssrc: int | None = None
    dtx: bool = False
    scalability_mode: str | None = None
    max_bitrate: int | None = None

    @classmethod
    def from_json(cls, value: Any, path: str = "encoding") -> RtpEncodingParameters:
        """Raises `InvalidParameters`. What browsers add for themselves (`active`, `maxFramerate` ...) is ignored."""
        given = mapping(value, path)
        rtx = given.get("rtx")
        mode = optional_text(given.get("scalabilityMode"), f"{path}.scalabilityMode", 32)
        if mode and not _SCALABILITY_MODE.fullmatch(mode):
            raise InvalidParameters(f"{path}.scalabilityMode must look like L1T3 or L3T3_KEY")
        return cls(
            optional_integer(given.get("ssrc"), f"{path}.ssrc", 1, U32),
            optional_text(given.get("rid"), f"{path}.rid", 16),
            optional_integer(given.get("codecPayloadType"), f"{path}.codecPayloadType", 0, 127),
            None if rtx is None else integer(mapping(rtx, f"{path}.rtx").get("ssrc"), f"{path}.rtx.ssrc", 1, U32),
            boolean(given.get("dtx") or False, f"{path}.dtx"),
            mode,
            optional_integer(given.get("maxBitrate"), f"{path}.maxBitrate", 0, MAX_BITRATE),
        )

    def to_json(self) -> dict[str, Any]:
        return without_none(
            ssrc=self.ssrc,
            rid=self.rid,
            codecPayloadType=self.codec_payload_type,
            rtx=None if self.rtx_ssrc is None else {"ssrc": self.rtx_ssrc},
            dtx=self.dtx or None,
            scalabilityMode=self.scalability_mode,
            maxBitrate=self.max_bitrate,
        )


@dataclass(frozen=True, slots=True)
class RtcpParameters:
    """RTCP settings of a stream."""

    cname: str | None = None
    reduced_size: bool = True

    @classmethod
    def from_json(cls, value: Any, path: str = "rtcp") -> RtcpParameters:
        """Raises `InvalidParameters`."""
        given = mapping({} if value is None else value, path)
        # One byte holds the length of a CNAME in RTCP.
        return cls(optional_text(given.get("cname"), f"{path}.cname", 255))

    def to_json(self) -> dict[str, Any]:
        return without_none(cname=self.cname, reducedSize=self.reduced_size)


@dataclass(frozen=True)
class RtpParameters:
    """How a stream is sent or received."""

    codecs: tuple[RtpCodecParameters, ...]
    header_extensions: tuple[RtpHeaderExtensionParameters, ...] = ()
    encodings: tuple[RtpEncodingParameters, ...] = ()
    rtcp: RtcpParameters = RtcpParameters()
    mid: str | None = None
    msid: str | None = None

    @classmethod
    def from_json(cls, value: Any, path: str = "rtpParameters") -> RtpParameters:
        """Reads what a client sends. Raises `InvalidParameters`."""
        if isinstance(value, cls):
            return value
        given = mapping(value, path)
        codecs = sequence(given.get("codecs"), f"{path}.codecs", MAX_CODECS)
        extensions = sequence(given.get("headerExtensions"), f"{path}.headerExtensions", MAX_HEADER_EXTENSIONS)
        encodings = sequence(given.get("encodings"), f"{path}.encodings", MAX_ENCODINGS)
        parameters = cls(
            tuple(RtpCodecParameters.from_json(item, f"{path}.codecs[{i}]") for i, item in enumerate(codecs)),
            tuple(
                RtpHeaderExtensionParameters.from_json(item, f"{path}.headerExtensions[{i}]")
                for i, item in enumerate(extensions)
            ),
            tuple(RtpEncodingParameters.from_json(item, f"{path}.encodings[{i}]") for i, item in enumerate(encodings)),
            RtcpParameters.from_json(given.get("rtcp"), f"{path}.rtcp"),
            optional_text(given.get("mid"), f"{path}.mid", 32),
            optional_text(given.get("msid"), f"{path}.msid", 256),
        )
        parameters.check(path)
        return parameters

    def check(self, path: str = "rtpParameters") -> None:
        """Checks what concerns several fields at once. Raises `InvalidParameters`."""
        if not self.codecs or self.codecs[0].is_rtx:
            raise InvalidParameters(f"{path}.codecs must begin with a media codec")
        check_unique((codec.payload_type for codec in self.codecs), f"{path}: payloadType")
        check_unique((extension.id for extension in self.header_extensions), f"{path}: header extension id")
        check_unique((encoding.rid for encoding in self.encodings), f"{path}: rid")
        ssrcs = [encoding.ssrc for encoding in self.encodings] + [encoding.rtx_ssrc for encoding in self.encodings]
        check_unique(ssrcs, f"{path}: ssrc")
        payload_types = {codec.payload_type for codec in self.codecs if not codec.is_rtx}
        for i, encoding in enumerate(self.encodings):
            if encoding.codec_payload_type is not None and encoding.codec_payload_type not in payload_types:
                raise InvalidParameters(f"{path}.encodings[{i}].codecPayloadType is none of the codecs'")
            if len(self.encodings) > 1 and encoding.ssrc is None and encoding.rid is None:
                raise InvalidParameters(f"{path}.encodings[{i}] must have an ssrc or a rid")

    def to_json(self) -> dict[str, Any]:
        """The camelCase form for clients. Its parts are shared and must not be modified."""
        return without_none(
            mid=self.mid,
            codecs=[codec.to_json() for codec in self.codecs],
            headerExtensions=[extension.to_json() for extension in self.header_extensions],
            encodings=[encoding.to_json() for encoding in self.encodings],
            rtcp=self.rtcp.to_json(),
            msid=self.msid,
        )

    def replace(self, **changes: Any) -> RtpParameters:
        """A copy with some fields changed."""
        return replace(self, **changes)


def parse_scalability_mode(mode: str | None) -> tuple[int, int]:
    """The numbers of spatial and temporal layers of a mode such as "L3T3_KEY"; (1, 1) without one."""
    match = _SCALABILITY_MODE.fullmatch(mode or "")
    return (int(match[1]), int(match[2])) if match else (1, 1)
