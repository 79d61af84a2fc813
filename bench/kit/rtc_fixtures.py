"""What a browser with mediasoup-client says when it sends and receives; no media flows in these benchmarks."""

import random
from typing import Any

DTLS: dict[str, Any] = {
    "role": "client",
    "fingerprints": [{"algorithm": "sha-256", "value": ":".join(f"{7 * octet % 256:02X}" for octet in range(32))}],
}
_SDES = "urn:ietf:params:rtp-hdrext:sdes:"
_MID = {"uri": _SDES + "mid", "id": 1, "encrypt": False, "parameters": {}}
_TIME = {
    "uri": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "id": 4,
    "encrypt": False,
    "parameters": {},
}
_LEVEL = {"uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 10, "encrypt": False, "parameters": {}}
_RID = {"uri": _SDES + "rtp-stream-id", "id": 2, "encrypt": False, "parameters": {}}
_REPAIRED = {"uri": _SDES + "repaired-rtp-stream-id", "id": 3, "encrypt": False, "parameters": {}}
_BITRATES = (100_000, 300_000, 900_000)
_FEEDBACK = [
    {"type": "goog-remb", "parameter": ""},
    {"type": "transport-cc", "parameter": ""},
    {"type": "ccm", "parameter": "fir"},
    {"type": "nack", "parameter": ""},
    {"type": "nack", "parameter": "pli"},
]


def audio_rtp() -> dict[str, Any]:
    """RTP parameters of a microphone."""
    return {
        "mid": "0",
        "codecs": [
            {
                "mimeType": "audio/opus",
                "payloadType": 111,
                "clockRate": 48000,
                "channels": 2,
                "parameters": {"minptime": 10, "useinbandfec": 1},
                "rtcpFeedback": [{"type": "transport-cc", "parameter": ""}],
            }
        ],
        "headerExtensions": [_MID, _TIME, _LEVEL],
        "encodings": [{"ssrc": random.randrange(1, 1 << 31), "dtx": False}],
        "rtcp": {"cname": "bench-audio", "reducedSize": True},
    }


def video_rtp() -> dict[str, Any]:
    """RTP parameters of a camera in VP8 with three simulcast layers."""
    layers = [{"rid": f"r{n}", "scalabilityMode": "L1T3", "maxBitrate": rate} for n, rate in enumerate(_BITRATES)]
    return {
        "mid": "1",
        "codecs": [
            {
                "mimeType": "video/VP8",
                "payloadType": 96,
                "clockRate": 90000,
                "parameters": {},
                "rtcpFeedback": _FEEDBACK,
            },
            {
                "mimeType": "video/rtx",
                "payloadType": 97,
                "clockRate": 90000,
                "parameters": {"apt": 96},
                "rtcpFeedback": [],
            },
        ],
        "headerExtensions": [_MID, _RID, _REPAIRED, _TIME],
        "encodings": layers,
        "rtcp": {"cname": "bench-video", "reducedSize": True},
    }


def capabilities_of_a_browser(router: dict[str, Any]) -> dict[str, Any]:
    """What mediasoup-client would answer to these router capabilities in a browser that knows opus and VP8.

    Both servers get the same list, whatever else their routers offer.
    """
    known = [codec for codec in router["codecs"] if codec["mimeType"].lower() in ("audio/opus", "video/vp8")]
    types = {codec["preferredPayloadType"] for codec in known}
    known += [codec for codec in router["codecs"] if (codec.get("parameters") or {}).get("apt") in types]
    wanted = (_MID["uri"], _TIME["uri"], _LEVEL["uri"])
    extensions = [one for one in router["headerExtensions"] if one["uri"] in wanted]
    return {"codecs": known, "headerExtensions": extensions}
