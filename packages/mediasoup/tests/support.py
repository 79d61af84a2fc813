"""What the tests share: parameters as browsers send them, RTP packets, and ways to wait."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from typing import Any

from mediasoup import ListenInfo, PlainTransport, Producer, Router
from mediasoup.emitter import Emitter

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
OPUS = {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2}
VP8 = {"mimeType": "video/VP8", "clockRate": 90000}
VP9 = {"mimeType": "video/VP9", "clockRate": 90000, "parameters": {"profile-id": 2}}
H264 = {
    "mimeType": "video/H264",
    "clockRate": 90000,
    "parameters": {"packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1},
}
CODECS = [OPUS, VP8, VP9, H264]
FINGERPRINT = {"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}
DTLS = {"role": "client", "fingerprints": [FINGERPRINT]}
LOOPBACK = ListenInfo(ip="127.0.0.1")


def audio_parameters(ssrc: int = 1111, **changes: Any) -> dict[str, Any]:
    """Opus as a browser sends it."""
    return {
        "mid": "AUDIO",
        "codecs": [{**OPUS, "payloadType": 111, "parameters": {"useinbandfec": 1, "minptime": 10}}],
        "headerExtensions": [
            {"uri": MID, "id": 10},
            {"uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 1},
        ],
        "encodings": [{"ssrc": ssrc, "dtx": True}],
        "rtcp": {"cname": "the-sender"},
        **changes,
    }


def video_parameters(**changes: Any) -> dict[str, Any]:
    """VP8 in three layers as a browser sends it."""
    return {
        "mid": "VIDEO",
        "codecs": [
            {
                **VP8,
                "payloadType": 96,
                "rtcpFeedback": [{"type": "nack"}, {"type": "nack", "parameter": "pli"}, {"type": "goog-remb"}],
            },
            {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 96}},
        ],
        "headerExtensions": [{"uri": MID, "id": 10}, {"uri": "urn:3gpp:video-orientation", "id": 13}],
        "encodings": [
            {
                "ssrc": 2222 + 2 * i,
                "rtx": {"ssrc": 2223 + 2 * i},
                "maxBitrate": 100_000 * 4**i,
                "scalabilityMode": "L1T3",
            }
            for i in range(3)
        ],
        "rtcp": {"cname": "the-sender"},
        **changes,
    }


def rtp_packet(
    payload_type: int, number: int, ssrc: int, payload: bytes, timestamp: int = 0, audio_level: int | None = None
) -> bytes:
    """An RTP packet. `audio_level` (0 loud to 127 silent) travels in header extension 1."""
    first, extension = 0x80, b""
    if audio_level is not None:
        first, extension = 0x90, struct.pack("!HHBBH", 0xBEDE, 1, 0x10, 0x80 | audio_level, 0)
    head = struct.pack("!BBHII", first, payload_type, number & 0xFFFF, timestamp or number * 960, ssrc)
    return head + extension + payload


def is_rtp(packet: bytes) -> bool:
    """Tells RTP from RTCP on one port."""
    return not 192 <= packet[1] <= 223


class Udp(asyncio.DatagramProtocol):
    """A UDP socket on the loopback that keeps what it receives."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.transport: Any = None

    @classmethod
    async def open(cls) -> Udp:
        _, self = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        return self

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.packets.append(data)

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    @property
    def rtp(self) -> list[bytes]:
        return [packet for packet in self.packets if is_rtp(packet)]

    def send(self, data: bytes, port: int) -> None:
        self.transport.sendto(data, ("127.0.0.1", port))


async def eventually(check: Callable[[], Any], seconds: float = 15.0) -> None:
    """Waits until `check()` is true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never became true"
        await asyncio.sleep(0.01)


def record(emitter: Emitter, *events: str) -> list[tuple[Any, ...]]:
    """The events that happen from now on, each as (name, *arguments)."""
    seen: list[tuple[Any, ...]] = []
    for event in events:
        emitter.on(event, lambda *args, event=event: seen.append((event, *args)))
    return seen


async def audio_source(router: Router, ssrc: int = 1111, **options: Any) -> tuple[Producer, Callable[..., None]]:
    """A producer of Opus fed by plain RTP, and the function that sends one packet more."""
    transport: PlainTransport = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    producer = await transport.produce(kind="audio", rtp_parameters=audio_parameters(ssrc), **options)
    socket = await Udp.open()
    numbers = iter(range(1, 1 << 20))

    def send(payload: bytes = b"\xfcsound", audio_level: int | None = None) -> None:
        socket.send(rtp_packet(111, next(numbers), ssrc, payload, 0, audio_level), transport.tuple.local_port)

    return producer, send


async def audio_sink(router: Router, producer_id: str) -> tuple[Any, Udp]:
    """A consumer that sends plain RTP to a socket."""
    socket = await Udp.open()
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    await transport.connect(ip="127.0.0.1", port=socket.port)
    consumer = await transport.consume(producer_id=producer_id, rtp_capabilities=router.rtp_capabilities)
    return consumer, socket


async def pump(send: Callable[..., None], count: int = 20, pause: float = 0.005, **options: Any) -> None:
    """Sends some packets."""
    for _ in range(count):
        send(**options)
        await asyncio.sleep(pause)
