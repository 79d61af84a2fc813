"""Routers: their capabilities, their children and their end."""

from __future__ import annotations

import pytest

from mediasoup import Closed, InvalidParameters, NotFound, Router, RtpCapabilities, Worker
from mediasoup.supported import ABS_CAPTURE_TIME

from .support import CODECS, LOOPBACK, audio_parameters, audio_source, record

pytestmark = pytest.mark.anyio


async def test_capabilities_are_what_clients_load(router: Router) -> None:
    capabilities = router.rtp_capabilities.to_json()
    assert [codec["mimeType"] for codec in capabilities["codecs"]] == [
        "audio/opus", "video/VP8", "video/rtx", "video/VP9", "video/rtx", "video/H264", "video/rtx",
    ]  # fmt: skip
    assert [codec["preferredPayloadType"] for codec in capabilities["codecs"]] == list(range(100, 107))
    assert capabilities["codecs"][2]["parameters"] == {"apt": 101}
    assert capabilities["codecs"][5]["parameters"]["level-asymmetry-allowed"] == 1
    assert {"type": "nack", "parameter": "pli"} in capabilities["codecs"][1]["rtcpFeedback"]
    assert router.rtp_capabilities.to_json() is capabilities
    assert RtpCapabilities.from_json(capabilities) == router.rtp_capabilities


async def test_the_extension_that_stops_layer_switching_is_left_out(router: Router) -> None:
    extensions = router.rtp_capabilities.header_extensions
    assert ABS_CAPTURE_TIME not in {extension.uri for extension in extensions}
    assert {extension.preferred_id for extension in extensions if extension.kind == "audio"} == {1, 4, 5, 6, 11, 12}


async def test_closing_it_closes_everything_in_it(worker: Worker, router: Router) -> None:
    producer, _ = await audio_source(router)
    transport = router.transports[0]
    observer = await router.create_active_speaker_observer()
    seen = record(router, "workerclose", "close")
    below = [record(item, "routerclose", "close") for item in (transport, observer)]
    streams = record(producer, "transportclose", "close")
    router.close()
    router.close()
    assert seen == [("close",)]
    assert below == [[("routerclose",), ("close",)]] * 2
    assert streams == [("transportclose",), ("close",)]
    assert worker.routers == () and router.transports == () and router.producers == ()
    assert (await worker.dump())["routerIds"] == []
    with pytest.raises(Closed):
        await router.create_direct_transport()
    with pytest.raises(Closed):
        await router.dump()


async def test_closing_the_worker_tells_the_router(worker: Worker, router: Router) -> None:
    seen = record(router, "workerclose", "close")
    worker.close()
    assert seen == [("workerclose",), ("close",)]


async def test_can_consume(router: Router) -> None:
    producer, _ = await audio_source(router)
    assert router.can_consume(producer.id, router.rtp_capabilities)
    assert router.can_consume(producer.id, router.rtp_capabilities.to_json())
    assert not router.can_consume("unknown", router.rtp_capabilities)
    assert not router.can_consume(["unknown"], router.rtp_capabilities)  # type: ignore[arg-type]
    assert not router.can_consume(producer.id, {"codecs": [{"mimeType": "video/VP8", "clockRate": 90000}]})
    assert not router.can_consume(producer.id, {"codecs": 5})
    assert not router.can_consume(producer.id, {})


async def test_dump_shows_what_is_in_it(router: Router) -> None:
    producer, _ = await audio_source(router)
    dump = await router.dump()
    assert dump["id"] == router.id
    assert dump["transportIds"] == [router.transports[0].id]
    assert dump["mapProducerIdConsumerIds"] == [{"key": producer.id, "values": []}]


async def test_routers_do_not_see_each_others_producers(worker: Worker, router: Router) -> None:
    producer, _ = await audio_source(router)
    other = await worker.create_router(CODECS)
    transport = await other.create_plain_transport(listen_info=LOOPBACK)
    with pytest.raises(NotFound):
        await transport.consume(producer_id=producer.id, rtp_capabilities=other.rtp_capabilities)
    with pytest.raises(InvalidParameters, match="exists already"):
        same = await router.create_plain_transport(listen_info=LOOPBACK)
        await same.produce(kind="audio", rtp_parameters=audio_parameters(99), id=producer.id)


async def test_a_transport_listens_somewhere(router: Router) -> None:
    with pytest.raises(InvalidParameters, match="webrtc_server or listen_infos"):
        await router.create_webrtc_transport()
