"""Plain transports: RTP with and without keys, and learning where the other end is."""

from __future__ import annotations

import base64
import os

import pytest

from mediasoup import Closed, InvalidParameters, ListenInfo, Router, WorkerError

from .support import LOOPBACK, Udp, audio_parameters, audio_source, eventually, pump, record

pytestmark = pytest.mark.anyio

SUITES = {"AEAD_AES_256_GCM": 44, "AEAD_AES_128_GCM": 28, "AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30}


async def test_comedia_learns_the_other_end(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    seen = record(transport, "tuple")
    await transport.produce(kind="audio", rtp_parameters=audio_parameters())
    assert transport.tuple.remote_ip is None and transport.tuple.local_address == "127.0.0.1"
    socket = await Udp.open()
    socket.send(b"\x80\x6f" + bytes(30), transport.tuple.local_port)
    await eventually(lambda: seen)
    assert (transport.tuple.remote_ip, transport.tuple.remote_port) == ("127.0.0.1", socket.port)
    assert seen == [("tuple", transport.tuple)]
    assert transport.tuple.to_json()["remotePort"] == socket.port


async def test_rtcp_can_have_its_own_port(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, rtcp_mux=False)
    assert transport.rtcp_tuple is not None and transport.rtcp_tuple.local_port != transport.tuple.local_port
    await transport.connect(ip="127.0.0.1", port=20001, rtcp_port=20002)
    assert (transport.tuple.remote_port, transport.rtcp_tuple.remote_port) == (20001, 20002)
    with pytest.raises(WorkerError, match="connect"):
        await transport.connect(ip="127.0.0.1", port=20001, rtcp_port=20002)


@pytest.mark.parametrize("suite", SUITES)
async def test_srtp_goes_through(router: Router, suite: str) -> None:
    """Plain RTP in, SRTP from one transport to another, plain RTP out."""
    producer, send = await audio_source(router)
    sender = await router.create_plain_transport(listen_info=LOOPBACK, enable_srtp=True, srtp_crypto_suite=suite)
    receiver = await router.create_plain_transport(listen_info=LOOPBACK, enable_srtp=True, srtp_crypto_suite=suite)
    assert sender.srtp_parameters is not None and receiver.srtp_parameters is not None
    assert len(base64.b64decode(sender.srtp_parameters.key_base64)) == SUITES[suite]
    key = receiver.srtp_parameters.to_json()
    await sender.connect(ip="127.0.0.1", port=receiver.tuple.local_port, srtp_parameters=key)
    await receiver.connect(ip="127.0.0.1", port=sender.tuple.local_port, srtp_parameters=sender.srtp_parameters)
    first = await sender.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    # The two transports use each other's keys, so what the one sends the other takes in as a new producer.
    second = await receiver.produce(
        kind="audio", rtp_parameters={**first.rtp_parameters.to_json(), "headerExtensions": []}
    )
    socket = await Udp.open()
    sink = await router.create_plain_transport(listen_info=LOOPBACK)
    await sink.connect(ip="127.0.0.1", port=socket.port)
    await sink.consume(producer_id=second.id, rtp_capabilities=router.rtp_capabilities)
    await pump(send)
    await eventually(lambda: len(socket.rtp) == 20)
    assert all(packet.endswith(b"\xfcsound") for packet in socket.rtp)


async def test_wrong_keys_and_addresses_are_refused(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, enable_srtp=True)
    good = {"cryptoSuite": "AEAD_AES_128_GCM", "keyBase64": base64.b64encode(os.urandom(28)).decode()}
    for wrong in (
        {}, 5, {**good, "cryptoSuite": "NONE"}, {**good, "keyBase64": "short"}, {**good, "keyBase64": "é" * 40},
        {**good, "keyBase64": base64.b64encode(os.urandom(30)).decode()}, {**good, "keyBase64": None},
    ):  # fmt: skip
        with pytest.raises(InvalidParameters):
            await transport.connect(ip="127.0.0.1", port=20001, srtp_parameters=wrong)  # type: ignore[arg-type]
    for address in ({"ip": "localhost", "port": 1}, {"ip": "127.0.0.1", "port": 0}, {"ip": "127.0.0.1"}, {"port": 5}):
        with pytest.raises(InvalidParameters):
            await transport.connect(**address, srtp_parameters=good)  # type: ignore[arg-type]
    with pytest.raises(InvalidParameters):
        await router.create_plain_transport(listen_info=LOOPBACK, srtp_crypto_suite="ROT13")
    await transport.connect(ip="127.0.0.1", port=20001, srtp_parameters=good)


async def test_stats_bitrates_and_end(router: Router) -> None:
    _, send = await audio_source(router)
    (transport,) = router.transports
    await pump(send)
    (stats,) = await transport.get_stats()
    assert stats["type"] == "plain-rtp-transport" and stats["transportId"] == transport.id
    await eventually(lambda: transport.tuple.remote_port)  # type: ignore[attr-defined]
    assert (await transport.get_stats())[0]["rtpBytesReceived"] > 0
    await transport.set_max_incoming_bitrate(500_000)
    await transport.set_max_outgoing_bitrate(500_000)
    await transport.set_min_outgoing_bitrate(50_000)
    for wrong in (-1, 1.5, "1", None, float("inf")):
        with pytest.raises(InvalidParameters):
            await transport.set_max_incoming_bitrate(wrong)  # type: ignore[arg-type]
    await transport.enable_trace_event(["bwe", "probation"])
    assert (await transport.dump())["traceEventTypes"] == ["probation", "bwe"]
    transport.close()
    with pytest.raises(Closed):
        await transport.get_stats()
    assert (await router.dump())["transportIds"] == []


async def test_a_port_range_is_kept_to(router: Router) -> None:
    info = ListenInfo(port_range=(20100, 20110))
    transports = [await router.create_plain_transport(listen_info=info) for _ in range(3)]
    assert all(20100 <= transport.tuple.local_port <= 20110 for transport in transports)
