"""The codecs that rooms speak, in the order in which browsers should prefer them."""

from typing import Any

MEDIA_CODECS: list[dict[str, Any]] = [
    {
        "kind": "audio",
        "mimeType": "audio/opus",
        "clockRate": 48000,
        "channels": 2,
        "parameters": {"usedtx": 1, "useinbandfec": 1},
    },
    # VP8 first: every browser has it with simulcast, in software where there is no hardware.
    {"kind": "video", "mimeType": "video/VP8", "clockRate": 90000},
    {"kind": "video", "mimeType": "video/VP9", "clockRate": 90000, "parameters": {"profile-id": 0}},
    {
        "kind": "video",
        "mimeType": "video/H264",
        "clockRate": 90000,
        "parameters": {"packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1},
    },
    {"kind": "video", "mimeType": "video/AV1", "clockRate": 90000},
]
