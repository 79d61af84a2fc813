"""Statistics of RTP streams, flattened to the form that mediasoup documents."""

from __future__ import annotations

from typing import Any

from .entity import camel


def stream_stats(response: dict[str, Any]) -> list[dict[str, Any]]:
    """The streams of a producer or consumer, one dictionary each, type "inbound-rtp" or "outbound-rtp"."""
    return [_flatten(entry) for entry in response["stats"]]


def _flatten(entry: dict[str, Any]) -> dict[str, Any]:
    kind, data = entry["data_type"], entry["data"]
    if kind == "BaseStats":
        flat: dict[str, Any] = {name: value for name, value in camel(data).items() if value is not None}
        return flat
    flat = _flatten(data["base"])
    flat["type"] = "inbound-rtp" if kind == "RecvStats" else "outbound-rtp"
    flat["packetCount"] = data["packet_count"]
    flat["byteCount"] = data["byte_count"]
    flat["bitrate"] = data["bitrate"]
    if kind == "RecvStats":
        flat["bitrateByLayer"] = {layer["layer"]: layer["bitrate"] for layer in data["bitrate_by_layer"]}
    return flat


def transport_stats(kind: str, response: dict[str, Any]) -> list[dict[str, Any]]:
    """A transport's figures: bytes, bitrates in bit/s, and what its kind adds."""
    fields = {**response.pop("base"), **response}
    flat = {name: value for name, value in camel(fields).items() if value is not None}
    return [{"type": kind, **flat}]
