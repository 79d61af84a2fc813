"""RTP parameters as the worker's messages have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .errors import InvalidParameters
from .parameters import RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtensionParameters, RtpParameters
from .rtp_common import Parameters
from .supported import KNOWN_URIS
from .wire import Encoded, codec

_INT32 = 1 << 31


def _parameters(parameters: Parameters) -> list[dict[str, Any]]:
    return [{"name": name, "value": _value(value)} for name, value in parameters.items()]


def _value(value: str | int | float) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return "String", {"value": value}
    if isinstance(value, int) and -_INT32 <= value < _INT32:
        return "Integer32", {"value": value}
    return "Double", {"value": float(value)}


def _codec(parameters: RtpCodecParameters) -> dict[str, Any]:
    return {
        "mime_type": parameters.mime_type,
        "payload_type": parameters.payload_type,
        "clock_rate": parameters.clock_rate,
        "channels": parameters.channels,
        "parameters": _parameters(parameters.parameters),
        "rtcp_feedback": [{"type": item.type, "parameter": item.parameter} for item in parameters.rtcp_feedback],
    }


def _extension(parameters: RtpHeaderExtensionParameters) -> dict[str, Any]:
    if parameters.uri not in KNOWN_URIS:
        raise InvalidParameters(f"the header extension {parameters.uri[:80]} is unknown")
    return {
        "uri": parameters.uri,
        "id": parameters.id,
        "encrypt": parameters.encrypt,
        "parameters": _parameters(parameters.parameters),
    }


def _encoding(parameters: RtpEncodingParameters) -> dict[str, Any]:
    return {
        "ssrc": parameters.ssrc,
        "rid": parameters.rid,
        "codec_payload_type": parameters.codec_payload_type,
        "rtx": None if parameters.rtx_ssrc is None else {"ssrc": parameters.rtx_ssrc},
        "dtx": parameters.dtx,
        "scalability_mode": parameters.scalability_mode,
        "max_bitrate": parameters.max_bitrate,
    }


def encode_codecs(codecs: Iterable[RtpCodecParameters]) -> Encoded:
    """A finished vector of codecs, for use in any number of messages."""
    return codec("RtpParameters.RtpCodecParameters").encode_vector([_codec(item) for item in codecs])


def encode_extensions(extensions: Iterable[RtpHeaderExtensionParameters]) -> Encoded:
    """A finished vector of header extensions. Raises `InvalidParameters` for a URI that the worker does not know."""
    table = codec("RtpParameters.RtpHeaderExtensionParameters")
    return table.encode_vector([_extension(item) for item in extensions])


def encode_encodings(encodings: Iterable[RtpEncodingParameters]) -> Encoded:
    """A finished vector of encodings."""
    return codec("RtpParameters.RtpEncodingParameters").encode_vector([_encoding(item) for item in encodings])


class EncodedParts(NamedTuple):
    """The parts of RTP parameters that many streams share, encoded once."""

    codecs: Encoded
    header_extensions: Encoded
    rtcp: Encoded


def encode_parts(parameters: RtpParameters) -> EncodedParts:
    """Encodes all but the encodings, for use in any number of messages."""
    rtcp = {"cname": parameters.rtcp.cname, "reduced_size": parameters.rtcp.reduced_size}
    return EncodedParts(
        encode_codecs(parameters.codecs),
        encode_extensions(parameters.header_extensions),
        codec("RtpParameters.RtcpParameters").encode(rtcp),
    )


def rtp_parameters_to_wire(parameters: RtpParameters, parts: EncodedParts | None = None) -> dict[str, Any]:
    """RTP parameters for a message. `parts` spare the work when they were encoded before."""
    codecs, extensions, rtcp = parts or encode_parts(parameters)
    return {
        "mid": parameters.mid,
        "codecs": codecs,
        "header_extensions": extensions,
        "encodings": encode_encodings(parameters.encodings),
        "rtcp": rtcp,
        "msid": parameters.msid,
    }


def plain_parameters(dump: Any) -> Any:
    """Turns the codec parameters inside a dump from the wire's lists of typed values into dictionaries."""
    if isinstance(dump, list):
        return [plain_parameters(item) for item in dump]
    if not isinstance(dump, dict):
        return dump
    return {
        name: {entry["name"]: entry["value"]["value"] for entry in value}
        if name == "parameters" and isinstance(value, list)
        else plain_parameters(value)
        for name, value in dump.items()
    }
