"""A few hundred clients that send almost what they should. The worker survives all of them."""

from __future__ import annotations

import asyncio
import copy
import random
import struct
from typing import Any

import pytest

from mediasoup import Closed, MediasoupError, RequestTimeout, Router, Transport, Worker

from .support import H264, LOOPBACK, VP8, Udp, audio_parameters, audio_source, eventually, pump, rtp_packet
from .support import video_parameters as video

pytestmark = pytest.mark.anyio

RTX = {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 96}}
VP9 = {"mimeType": "video/VP9", "payloadType": 98, "clockRate": 90000, "parameters": {"profile-id": 2}}
OFFERS: list[tuple[Any, dict[str, Any]]] = [
    ("audio", audio_parameters()),
    ("video", video()),
    ("video", video(codecs=[VP9], encodings=[{"ssrc": 7, "scalabilityMode": "L3T3_KEY"}])),
    ("video", video(codecs=[{**H264, "payloadType": 96}, RTX], encodings=[{"rid": "a"}, {"rid": "b"}])),
    ("video", video(codecs=[{**H264, "payloadType": 96}, {**VP8, "payloadType": 98}], encodings=[{"ssrc": 1}])),
]
WRONG: list[Any] = [None, True, 0, 1, -1, 96, 97, 127, 128, 255, 256, 90000, 65536, 2**31, 2**32 - 1, 2**32, 2**53]
WRONG += [1.5, float("nan"), float("inf"), "", "x", "audio/opus", "video/VP8", "video/rtx", "L3T3", "S3T3_KEY", "nack"]
WRONG += ["mid", [], {}, [1], {"a": 1}]
EXTRAS = ("mid", "msid", "ssrc", "rid", "rtx", "dtx", "scalabilityMode", "codecPayloadType", "maxBitrate", "channels")


class Mutator:
    """Changes a value here and there, the same way for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def mutate(self, value: Any, rate: float) -> Any:
        if self.random.random() < rate:
            return self.random.choice(WRONG)
        if isinstance(value, dict):
            fields = {name: self.mutate(item, rate) for name, item in value.items() if self.random.random() > rate / 2}
            if self.random.random() < rate:
                fields[self.random.choice(EXTRAS)] = self.random.choice(WRONG)
            return fields
        if isinstance(value, list):
            items = [self.mutate(item, rate) for item in value if self.random.random() > rate / 2]
            return items * 2 if self.random.random() < rate else items
        return value


@pytest.mark.parametrize("kind", ["plain", "webrtc"])
async def test_the_worker_survives(worker: Worker, router: Router, kind: str) -> None:
    await worker.update_settings(log_level="none")
    mutator, socket = Mutator(seed=2024), await Udp.open()
    accepted = refused = 0
    for _ in range(60):
        transport: Transport
        if kind == "plain":
            transport = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
        else:
            transport = await router.create_webrtc_transport(listen_infos=[LOOPBACK])
        for _ in range(5):
            good = await one_client(transport, router, mutator, socket)
            accepted, refused = accepted + good, refused + (not good)
        transport.close()
    assert accepted > 40 and refused > 40
    assert not worker.died and (await router.dump())["transportIds"] == []
    producer, send = await audio_source(router)
    await pump(send)
    await eventually(lambda: producer.score)


async def one_client(transport: Transport, router: Router, mutator: Mutator, socket: Udp) -> bool:
    """Publishes, sends a little, and is watched. Only a typed refusal is allowed to go wrong."""
    kind, offer = mutator.random.choice(OFFERS)
    try:
        producer = await transport.produce(kind=kind, rtp_parameters=mutator.mutate(copy.deepcopy(offer), 0.008))
        port = getattr(transport, "tuple", None)
        for encoding in producer.rtp_parameters.encodings if port else ():
            noise = bytes(mutator.random.randrange(256) for _ in range(mutator.random.randrange(40)))
            number = producer.rtp_parameters.codecs[0].payload_type
            socket.send(rtp_packet(number, 1, encoding.ssrc or 5, noise), port.local_port)  # type: ignore[union-attr]
        consumer = await transport.consume(
            producer_id=producer.id,
            rtp_capabilities=mutator.mutate(copy.deepcopy(router.rtp_capabilities.to_json()), 0.003),
            pipe=mutator.random.random() < 0.2,
        )
        await consumer.set_preferred_layers(mutator.random.randrange(256), mutator.random.randrange(256))
        await consumer.request_key_frame()
    except (Closed, RequestTimeout):
        raise
    except MediasoupError:
        return False
    return True


def packets(fragment: bytes) -> list[bytes]:
    """One of each kind that comes in by UDP: STUN, DTLS, RTP of three codecs, RTCP."""
    name = fragment + b":peer"
    attributes = struct.pack("!HH", 6, len(name)) + name + bytes(-len(name) % 4) + struct.pack("!HH", 8, 20) + bytes(20)
    feedback = bytes(8) + b"REMB\1\2\3\4" + bytes(4)
    return [
        struct.pack("!HHI", 1, len(attributes), 0x2112A442) + bytes(12) + attributes,
        b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", 60) + b"\x01\0\0\x30" + bytes(56),
        rtp_packet(96, 1, 2222, b"\x90\x80\x10\x20" + bytes(30)),
        rtp_packet(98, 1, 7, b"\x8f\x80\x10\x20" + bytes(30)),
        rtp_packet(111, 1, 1111, b"\xfc" + bytes(30), audio_level=3),
        b"\x80\xc8\0\6" + bytes(24),
        b"\x81\xc9\0\7" + bytes(28),
        b"\x81\xca\0\3" + bytes(4) + b"\1\5abcde\0",
        b"\x8f\xcd\0\5" + bytes(20),
        b"\x8f\xce\0\5" + feedback,
        b"\x80\xcf\0\4" + bytes(16),
    ]


async def test_the_worker_survives_noise(worker: Worker, router: Router) -> None:
    """A million of these have been through it; here are some thousands."""
    await worker.update_settings(log_level="none")
    chance, socket = random.Random(7), await Udp.open()
    plain = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    browser = await router.create_webrtc_transport(listen_infos=[LOOPBACK])
    for kind, offer in OFFERS[:3]:
        producer = await plain.produce(kind=kind, rtp_parameters={**offer, "mid": None})
        await browser.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    ports = (plain.tuple.local_port, browser.ice_candidates[0].port)
    seeds = packets(browser.ice_parameters.username_fragment.encode())
    for number in range(6000):
        packet = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((0, 1, 2, 4))):
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        end = chance.randrange(len(packet)) if chance.random() < 0.2 else len(packet)
        socket.send(bytes(packet[:end]), chance.choice(ports))
        if number % 50 == 0:
            await asyncio.sleep(0.001)
    assert (await worker.dump())["pid"] == worker.pid
    assert browser.dtls_state in ("new", "connecting") and browser.ice_selected_tuple is None
