"""RTP capabilities: what an endpoint or a router can handle. Typed and immutable.

`from_json` takes the camelCase form in which browsers send them and checks everything. `to_json` gives that form back;
its result is shared and must not be modified. Shapes as in
https://mediasoup.org/documentation/v3/mediasoup/rtp-parameters-and-capabilities/.
"""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

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
from .validation import U32, boolean, choice, integer, mapping, optional_integer, sequence, text

MAX_CODECS = 64
MAX_HEADER_EXTENSIONS = 64
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True)
class RtpCodecCapability:
    """A codec that an endpoint or a router can handle. `clock_rate` in hertz."""

    kind: MediaKind
    mime_type: str
    clock_rate: int
    channels: int | None = None
    preferred_payload_type: int | None = None
    parameters: Parameters = field(default_factory=dict, hash=False)
    rtcp_feedback: tuple[RtcpFeedback, ...] = ()

    @classmethod
    def from_json(cls, value: Any, path: str = "codec") -> RtpCodecCapability:
        """Raises `InvalidParameters`."""
        given = mapping(value, path)
        mime_type = check_mime_type(given.get("mimeType"), f"{path}.mimeType")
        kind = cast(MediaKind, mime_type[:5].lower())
        return cls(
            kind,
            mime_type,
            integer(given.get("clockRate"), f"{path}.clockRate", 1, U32),
            channel_count(given.get("channels"), kind, f"{path}.channels"),
            optional_integer(given.get("preferredPayloadType"), f"{path}.preferredPayloadType", 0, 127),
            codec_parameters(given.get("parameters"), f"{path}.parameters"),
            feedback_list(given.get("rtcpFeedback"), f"{path}.rtcpFeedback"),
        )

    @property
    def is_rtx(self) -> bool:
        return self.mime_type.lower().endswith("/rtx")

    def to_json(self) -> dict[str, Any]:
        return without_none(
            kind=self.kind,
            mimeType=self.mime_type,
            clockRate=self.clock_rate,
            channels=self.channels,
            preferredPayloadType=self.preferred_payload_type,
            parameters=self.parameters,
            rtcpFeedback=[item.to_json() for item in self.rtcp_feedback],
        )


@dataclass(frozen=True, slots=True)
class RtpHeaderExtension:
    """A header extension that an endpoint or a router can handle. `direction` is seen from that endpoint."""

    kind: MediaKind
    uri: str
    preferred_id: int
    preferred_encrypt: bool = False
    direction: str = "sendrecv"

    @classmethod
    def from_json(cls, value: Any, path: str = "extension") -> RtpHeaderExtension:
        """Raises `InvalidParameters`."""
        given = mapping(value, path)
        return cls(
            cast(MediaKind, choice(given.get("kind"), f"{path}.kind", ("audio", "video"))),
            text(given.get("uri"), f"{path}.uri", 256),
            integer(given.get("preferredId"), f"{path}.preferredId", 1, 255),
            boolean(given.get("preferredEncrypt") or False, f"{path}.preferredEncrypt"),
            choice(given.get("direction") or "sendrecv", f"{path}.direction", DIRECTIONS),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "uri": self.uri,
            "preferredId": self.preferred_id,
            "preferredEncrypt": self.preferred_encrypt,
            "direction": self.direction,
        }


@dataclass(frozen=True)
class RtpCapabilities:
    """What an endpoint or a router can receive."""

    codecs: tuple[RtpCodecCapability, ...] = ()
    header_extensions: tuple[RtpHeaderExtension, ...] = ()

    @classmethod
    def from_json(cls, value: Any, path: str = "rtpCapabilities") -> RtpCapabilities:
        """Reads what a client declares. Equal declarations give the same object. Raises `InvalidParameters`."""
        if isinstance(value, cls):
            return value
        given = mapping(value, path)
        codecs = sequence(given.get("codecs"), f"{path}.codecs", MAX_CODECS)
        extensions = sequence(given.get("headerExtensions"), f"{path}.headerExtensions", MAX_HEADER_EXTENSIONS)
        try:
            # Version 2 writes equal values as equal bytes, and it tells 1 from true and from 1.0.
            key = marshal.dumps((codecs, extensions), 2)
        except ValueError:
            key = b""
        if known := _known_capabilities.get(key):
            return known
        capabilities = cls._parse(codecs, extensions, path)
        if 0 < len(key) <= _LONGEST_KEY:
            if len(_known_capabilities) >= _MOST_KNOWN:
                _known_capabilities.pop(next(iter(_known_capabilities)))
            _known_capabilities[key] = capabilities
        return capabilities

    @classmethod
    def _parse(cls, codecs: Sequence[Any], extensions: Sequence[Any], path: str) -> RtpCapabilities:
        parsed = tuple(RtpCodecCapability.from_json(item, f"{path}.codecs[{i}]") for i, item in enumerate(codecs))
        check_unique((codec.preferred_payload_type for codec in parsed), f"{path}: preferredPayloadType")
        return cls(
            parsed,
            tuple(
                RtpHeaderExtension.from_json(item, f"{path}.headerExtensions[{i}]") for i, item in enumerate(extensions)
            ),
        )

    @cached_property
    def _json(self) -> dict[str, Any]:
        return {
            "codecs": [codec.to_json() for codec in self.codecs],
            "headerExtensions": [extension.to_json() for extension in self.header_extensions],
        }

    def to_json(self) -> dict[str, Any]:
        """The camelCase form for clients. Computed once and shared."""
        return self._json


# Audiences use a handful of browsers, so what was read once is kept, by its exact content.
_known_capabilities: dict[bytes, RtpCapabilities] = {}
_MOST_KNOWN = 256
_LONGEST_KEY = 32_768
