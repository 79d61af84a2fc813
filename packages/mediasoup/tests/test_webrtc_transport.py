"""WebRTC transports, with a real ICE and DTLS-SRTP client at the other end."""

from __future__ import annotations

import asyncio
import gc
import json
import struct
import weakref
from collections import Counter
from typing import Any

import pytest
from aiortc import RTCCertificate, RTCIceCandidate, RTCIceGatherer, RTCIceParameters, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from mediasoup import InvalidParameters, ListenInfo, Router, WebRtcServer, WebRtcTransport, Worker, WorkerError
from mediasoup.supported import TRANSPORT_CC

from .support import (
    CODECS,
    DTLS,
    FINGERPRINT,
    LOOPBACK,
    audio_source,
    eventually,
    is_rtp,
    record,
    rtp_packet,
    video_parameters,
)

pytestmark = pytest.mark.anyio


class Client:
    """aiortc's ICE and DTLS without its session descriptions: what a browser is to a WebRtcTransport."""

    def __init__(self, dtls: RTCDtlsTransport, ice: RTCIceTransport) -> None:
        self.dtls, self.ice = dtls, ice
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []

        async def take_rtp(data: bytes, arrival_time_ms: int) -> None:
            self.rtp.append(data)

        async def take_rtcp(data: bytes) -> None:
            self.rtcp.append(data)

        dtls._handle_rtp_data, dtls._handle_rtcp_data = take_rtp, take_rtcp

    @classmethod
    async def connect(cls, transport: WebRtcTransport) -> Client:
        """Does what a client does with what `to_json` gives it."""
        gatherer = RTCIceGatherer(iceServers=[])
        ice = RTCIceTransport(gatherer)
        await gatherer.gather()
        dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
        ice._connection.ice_controlling = True
        self = cls(dtls, ice)
        for candidate in (entry.to_json() for entry in transport.ice_candidates):
            fields = {name: candidate[name] for name in ("foundation", "ip", "port", "priority", "protocol", "type")}
            await ice.addRemoteCandidate(RTCIceCandidate(component=1, **fields))
        await ice.addRemoteCandidate(None)
        prints = dtls.getLocalParameters().fingerprints
        local = [{"algorithm": item.algorithm, "value": item.value} for item in prints]
        await transport.connect(dtls_parameters={"role": "client", "fingerprints": local})
        dtls._set_role("client")
        server = transport.ice_parameters.to_json()
        await ice.start(RTCIceParameters(server["usernameFragment"], server["password"], server["iceLite"]))
        remote = [RTCDtlsFingerprint(**item) for item in transport.dtls_parameters.to_json()["fingerprints"]]
        await dtls.start(RTCDtlsParameters(fingerprints=remote, role="server"))
        return self

    async def send(self, packet: bytes) -> None:
        await self.dtls._send_rtp(packet)

    async def stop(self) -> None:
        await self.dtls.stop()
        await self.ice.stop()

    @property
    def feedback(self) -> Counter[tuple[int, int]]:
        """How often each kind of RTCP came, by packet type and format."""
        kinds: Counter[tuple[int, int]] = Counter()
        for compound in self.rtcp:
            rest = compound
            while len(rest) >= 4:
                kinds[rest[1], rest[0] & 31] += 1
                rest = rest[4 + 4 * struct.unpack_from("!H", rest, 2)[0] :]
        return kinds


async def test_a_stream_from_one_browser_to_another(router: Router, server: WebRtcServer) -> None:
    up = await router.create_webrtc_transport(webrtc_server=server)
    down = await router.create_webrtc_transport(webrtc_server=server)
    states = record(up, "icestatechange", "dtlsstatechange", "iceselectedtuplechange")
    sender, viewer = await Client.connect(up), await Client.connect(down)
    await eventually(lambda: up.dtls_state == down.dtls_state == "connected")
    assert up.ice_state in ("connected", "completed")
    assert up.ice_selected_tuple is not None and up.ice_selected_tuple.protocol == "udp"
    assert "BEGIN CERTIFICATE" in (up.dtls_remote_cert or "")
    assert {event for event, _ in states} == {"icestatechange", "dtlsstatechange", "iceselectedtuplechange"}
    producer = await up.produce(
        kind="video",
        rtp_parameters=video_parameters(
            encodings=[{"ssrc": 555}],
            headerExtensions=[{"uri": TRANSPORT_CC, "id": 5}],
            codecs=[
                {
                    "mimeType": "video/VP8",
                    "payloadType": 96,
                    "clockRate": 90000,
                    "rtcpFeedback": [{"type": "transport-cc"}, {"type": "nack", "parameter": "pli"}],
                }
            ],
        ),
    )
    consumer = await down.consume(
        producer_id=producer.id, rtp_capabilities=router.rtp_capabilities.to_json(), paused=True
    )
    await consumer.resume()
    for number in range(50):
        extension = struct.pack("!HHBHB", 0xBEDE, 1, 0x51, number, 0)
        frame = extension + b"\x10\x00\x00\x9d\x01\x2a" + bytes(500) + bytes([number])
        packet = rtp_packet(96, number, 555, frame, number * 3000 + 1)
        await sender.send(bytes([packet[0] | 0x10]) + packet[1:])
        await asyncio.sleep(0.01)
    # It is passed on only where there is a stream to ask for.
    await consumer.request_key_frame()
    await eventually(lambda: sender.feedback[206, 1])
    ssrc = consumer.rtp_parameters.encodings[0].ssrc

    def mine() -> list[bytes]:
        return [packet for packet in viewer.rtp if is_rtp(packet) and struct.unpack_from("!I", packet, 8)[0] == ssrc]

    await eventually(lambda: len(mine()) == 50)
    assert [packet[-1] for packet in mine()] == list(range(50))
    assert sender.feedback[205, 15] > 1, "no transport-wide congestion control came back"
    (stats,) = await down.get_stats()
    assert stats["type"] == "webrtc-transport" and stats["dtlsState"] == "connected" and stats["rtpBytesSent"] > 25_000
    await sender.stop()
    await eventually(lambda: up.dtls_state == "closed")
    down.close()
    assert (down.dtls_state, down.ice_state, down.ice_selected_tuple) == ("closed", "closed", None)
    await viewer.stop()


async def test_a_wrong_fingerprint_is_not_let_in(router: Router, server: WebRtcServer) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)
    original = transport.connect

    class Liar:
        def __getattr__(self, name: str) -> Any:
            return getattr(transport, name)

        async def connect(self, **_: Any) -> None:
            await original(dtls_parameters=DTLS)

    client = asyncio.create_task(Client.connect(Liar()))  # type: ignore[arg-type]
    await eventually(lambda: transport.dtls_state == "failed", 10)
    client.cancel()
    await asyncio.wait({client})


async def test_what_clients_are_told(worker: Worker, router: Router) -> None:
    server = await worker.create_webrtc_server(
        [ListenInfo("udp", announced_address="192.0.2.1"), ListenInfo("tcp", announced_address="example.org")]
    )
    transport = await router.create_webrtc_transport(webrtc_server=server, enable_sctp=True, app_data=5)
    udp, tcp = (candidate.to_json() for candidate in transport.ice_candidates)
    assert (udp["address"], udp["ip"], udp["protocol"], udp["type"]) == ("192.0.2.1", "192.0.2.1", "udp", "host")
    assert (tcp["address"], tcp["protocol"], tcp["tcpType"]) == ("example.org", "tcp", "passive")
    assert udp["priority"] > tcp["priority"] and "tcpType" not in udp
    assert transport.ice_parameters.to_json()["iceLite"] is True
    assert transport.dtls_parameters.role == "auto" and transport.ice_state == "new"
    assert {item.algorithm for item in transport.dtls_parameters.fingerprints} >= {"sha-256", "sha-512"}
    assert transport.sctp_parameters is not None
    assert transport.sctp_parameters.to_json() | {
        "port": 5000,
        "OS": 65535,
        "MIS": 65535,
        "maxMessageSize": 262144,
    } == (transport.sctp_parameters.to_json())
    only = await router.create_webrtc_transport(webrtc_server=server, enable_udp=False)
    assert [candidate.protocol for candidate in only.ice_candidates] == ["tcp"]
    own = await router.create_webrtc_transport(listen_infos=[LOOPBACK])
    assert own.ice_candidates[0].port not in (udp["port"], tcp["port"])
    assert own.sctp_parameters is None


async def test_restarting_ice_gives_new_credentials(router: Router, server: WebRtcServer) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)
    before = transport.ice_parameters
    after = await transport.restart_ice()
    assert after is transport.ice_parameters
    assert after.username_fragment != before.username_fragment and after.password != before.password


async def test_it_connects_once(router: Router, server: WebRtcServer) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)
    lower = {"algorithm": "sha-256", "value": FINGERPRINT["value"].lower()}
    await transport.connect(dtls_parameters={"role": "client", "fingerprints": [lower]})
    assert transport.dtls_parameters.role == "server"
    with pytest.raises(WorkerError, match="connect"):
        await transport.connect(dtls_parameters=DTLS)


async def test_wrong_dtls_parameters_are_refused(router: Router, server: WebRtcServer) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)
    for wrong in (
        None, 5, "x", [], {}, {"fingerprints": []}, {"fingerprints": {}}, {"fingerprints": [None]},
        {"fingerprints": [FINGERPRINT] * 100_000}, {"fingerprints": [{"algorithm": "sha-256"}]},
        {"fingerprints": [{**FINGERPRINT, "algorithm": "md5"}]}, {"fingerprints": [{**FINGERPRINT, "value": "AB"}]},
        {"fingerprints": [{**FINGERPRINT, "value": "Z" * 95}]},
        {"fingerprints": [{**FINGERPRINT, "value": "A" * 10**6}]},
        {"fingerprints": [{**FINGERPRINT, "algorithm": ["sha-256"]}]}, {**DTLS, "role": "boss"}, {**DTLS, "role": 1},
    ):  # fmt: skip
        with pytest.raises(InvalidParameters):
            await transport.connect(dtls_parameters=wrong)  # type: ignore[arg-type]
    await transport.connect(dtls_parameters=DTLS)


async def test_wrong_options_are_refused(router: Router, server: WebRtcServer) -> None:
    for wrong in (
        {"initial_available_outgoing_bitrate": -1}, {"ice_consent_timeout": 256}, {"max_sctp_message_size": 0},
        {"sctp_send_buffer_size": 1 << 40}, {"initial_available_outgoing_bitrate": float("nan")},
    ):  # fmt: skip
        with pytest.raises(InvalidParameters):
            await router.create_webrtc_transport(webrtc_server=server, **wrong)  # type: ignore[arg-type]


async def test_hundreds_of_transports_come_and_go(worker: Worker) -> None:
    server = await worker.create_webrtc_server([LOOPBACK])
    router = await worker.create_router(CODECS)
    for _ in range(5):
        transports = await asyncio.gather(*(router.create_webrtc_transport(webrtc_server=server) for _ in range(50)))
        for transport in transports:
            transport.close()
    dump = await server.dump()
    assert dump["webRtcTransportIds"] == [] and dump["localIceUsernameFragments"] == []
    assert server.transports == () and router.transports == ()
    assert len((await worker.dump())["channelMessageHandlers"]["channelRequestHandlers"]) == 2


async def test_what_is_closed_is_freed(worker: Worker) -> None:
    server = await worker.create_webrtc_server([LOOPBACK])
    router = await worker.create_router(CODECS)
    producer, _ = await audio_source(router)
    seen: list[weakref.ref[Any]] = []
    for _ in range(20):
        transport = await router.create_webrtc_transport(webrtc_server=server)
        consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
        seen += [weakref.ref(transport), weakref.ref(consumer)]
        transport.close()
    del transport, consumer
    await router.dump()
    gc.collect()
    assert [ref() for ref in seen if ref() is not None] == []


async def test_dumps_and_stats_are_json(router: Router, server: WebRtcServer, worker: Worker) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server, enable_sctp=True)
    producer = await transport.produce(kind="video", rtp_parameters=video_parameters())
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    for thing in (worker, router, server, transport, producer, consumer):
        assert json.loads(json.dumps(await thing.dump())).get("id", worker.pid) in (
            getattr(thing, "id", None),
            worker.pid,
        )
    for stream in (transport, producer, consumer):
        json.dumps(await stream.get_stats())
    assert (await consumer.dump())["supportedCodecPayloadTypes"] == [101]
