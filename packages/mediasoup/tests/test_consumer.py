"""Consumers: what they send, what they tell, and their end."""

from __future__ import annotations

import struct

import pytest

from mediasoup import (
    Closed,
    ConsumerLayers,
    InvalidParameters,
    NotFound,
    Router,
    RtpCapabilities,
    UnsupportedParameters,
)

from .support import LOOPBACK, audio_parameters, audio_sink, audio_source, eventually, pump, record, video_parameters

pytestmark = pytest.mark.anyio


async def test_packets_arrive_renumbered(router: Router) -> None:
    producer, send = await audio_source(router)
    consumer, socket = await audio_sink(router, producer.id)
    await pump(send)
    await eventually(lambda: len(socket.rtp) == 20)
    for packet in socket.rtp:
        assert packet[1] & 127 == 100
        assert struct.unpack_from("!I", packet, 8)[0] == consumer.rtp_parameters.encodings[0].ssrc
        assert packet.endswith(b"\xfcsound")
    stats = {entry["type"]: entry for entry in await consumer.get_stats()}
    assert stats["outbound-rtp"]["packetCount"] == stats["inbound-rtp"]["packetCount"] == 20


async def test_a_paused_consumer_sends_nothing(router: Router) -> None:
    producer, _ = await audio_source(router)
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    consumer = await transport.consume(
        producer_id=producer.id, rtp_capabilities=router.rtp_capabilities, paused=True, app_data={"for": "me"}
    )
    seen = record(consumer, "pause", "resume")
    assert consumer.paused and not consumer.producer_paused and consumer.app_data == {"for": "me"}
    await consumer.resume()
    await consumer.pause()
    await consumer.resume()
    assert seen == [("resume",), ("pause",), ("resume",)]
    assert not (await consumer.dump())["paused"]


async def test_it_follows_its_producer(router: Router) -> None:
    producer, _ = await audio_source(router)
    consumer, _ = await audio_sink(router, producer.id)
    seen = record(consumer, "producerpause", "producerresume", "pause", "resume", "producerclose", "close")
    await producer.pause()
    await eventually(lambda: consumer.producer_paused)
    await producer.resume()
    await eventually(lambda: not consumer.producer_paused)
    producer.close()
    await eventually(lambda: consumer.closed)
    assert [event for event, *_ in seen] == [
        "pause", "producerpause", "resume", "producerresume", "producerclose", "close",
    ]  # fmt: skip
    with pytest.raises(Closed):
        await consumer.resume()
    with pytest.raises(NotFound):
        await audio_sink(router, producer.id)


async def test_closing(router: Router) -> None:
    producer, _ = await audio_source(router)
    consumer, _ = await audio_sink(router, producer.id)
    transport = router.transports[1]
    seen = record(consumer, "close", "transportclose", "producerclose")
    assert transport.consumers == (consumer,)
    consumer.close()
    consumer.close()
    assert seen == [("close",)] and transport.consumers == ()
    assert (await router.dump())["mapConsumerIdProducerId"] == []
    other, _ = await audio_sink(router, producer.id)
    seen = record(other, "close", "transportclose", "producerclose")
    router.transports[2].close()
    assert seen == [("transportclose",), ("close",)]


async def test_score(router: Router) -> None:
    producer, send = await audio_source(router)
    consumer, _ = await audio_sink(router, producer.id)
    seen = record(consumer, "score")
    assert consumer.score.producer_score == 0
    await pump(send)
    await eventually(lambda: consumer.score.producer_score == 10)
    assert seen[-1][1].to_json() == {"score": 10, "producerScore": 10, "producerScores": [10]}


async def test_video_has_layers_rtx_and_one_encoding(router: Router) -> None:
    source = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    producer = await source.produce(kind="video", rtp_parameters=video_parameters())
    sink = await router.create_plain_transport(listen_info=LOOPBACK)
    consumer = await sink.consume(
        producer_id=producer.id,
        rtp_capabilities=router.rtp_capabilities,
        preferred_layers={"spatialLayer": 1, "temporalLayer": 0},
    )
    assert consumer.type == "simulcast"
    (encoding,) = consumer.rtp_parameters.encodings
    assert encoding.ssrc and encoding.rtx_ssrc == encoding.ssrc + 1
    assert (encoding.scalability_mode, encoding.max_bitrate) == ("L3T3", 1_600_000)
    assert [codec.mime_type for codec in consumer.rtp_parameters.codecs] == ["video/VP8", "video/rtx"]
    assert consumer.preferred_layers == ConsumerLayers(1, 0)
    await consumer.set_preferred_layers(5, 5)
    assert consumer.preferred_layers == ConsumerLayers(2, 2)
    await consumer.set_preferred_layers(1)
    assert consumer.preferred_layers == ConsumerLayers(1, 2)
    await consumer.set_priority(7)
    assert consumer.priority == 7
    await consumer.request_key_frame()
    for wrong in (-1, 256, "1", None, float("nan"), True):
        with pytest.raises(InvalidParameters):
            await consumer.set_preferred_layers(wrong)  # type: ignore[arg-type]
    for wrong in (0, 256, 1.5):
        with pytest.raises(InvalidParameters):
            await consumer.set_priority(wrong)  # type: ignore[arg-type]


async def test_a_receiver_without_rtx_and_extensions_gets_none(router: Router) -> None:
    source = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    producer = await source.produce(kind="video", rtp_parameters=video_parameters())
    capabilities = {
        "codecs": [
            {
                "mimeType": "video/VP8",
                "clockRate": 90000,
                "preferredPayloadType": 101,
                "rtcpFeedback": [{"type": "nack"}, {"type": "goog-remb"}, {"type": "transport-cc"}],
            }
        ]
    }
    consumer = await source.consume(producer_id=producer.id, rtp_capabilities=capabilities)
    assert consumer.rtp_parameters.to_json()["codecs"][0]["rtcpFeedback"] == [{"type": "nack", "parameter": ""}]
    assert consumer.rtp_parameters.header_extensions == ()
    assert consumer.rtp_parameters.encodings[0].rtx_ssrc is None
    without = await source.consume(producer_id=producer.id, rtp_capabilities=capabilities, enable_rtx=False)
    assert without.rtp_parameters.codecs[0].rtcp_feedback == ()


async def test_mids_count_up_and_can_be_chosen(router: Router) -> None:
    producer, _ = await audio_source(router)
    transport = router.transports[0]
    capabilities = router.rtp_capabilities
    mids = [
        (await transport.consume(producer_id=producer.id, rtp_capabilities=capabilities)).rtp_parameters.mid
        for _ in range(2)
    ]
    assert mids == ["0", "1"]
    chosen = await transport.consume(producer_id=producer.id, rtp_capabilities=capabilities, mid="mine")
    assert chosen.rtp_parameters.mid == "mine"
    with pytest.raises(InvalidParameters, match="mid"):
        await transport.consume(producer_id=producer.id, rtp_capabilities=capabilities, mid="ninebytes")


async def test_with_pipe_every_layer_is_sent(router: Router) -> None:
    source = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    producer = await source.produce(kind="video", rtp_parameters=video_parameters())
    consumer = await source.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities, pipe=True)
    assert consumer.type == "pipe" and len(consumer.rtp_parameters.encodings) == 3
    assert consumer.rtp_parameters.mid is None


async def test_a_key_frame_of_sound_is_not_asked_for(router: Router) -> None:
    """The worker would never answer, for a consumer with `pipe`."""
    producer, _ = await audio_source(router)
    transport = router.transports[0]
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities, pipe=True)
    await consumer.request_key_frame()
    consumer.close()
    with pytest.raises(Closed):
        await consumer.request_key_frame()


async def test_two_codecs_that_are_one_to_the_router(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    codecs = [{"mimeType": "video/VP8", "clockRate": 90000, "payloadType": number} for number in (96, 98)]
    producer = await transport.produce(kind="video", rtp_parameters=video_parameters(codecs=codecs))
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    assert [codec.payload_type for codec in consumer.rtp_parameters.codecs] == [101, 102]


async def test_equal_receivers_share_the_work(router: Router) -> None:
    producer, _ = await audio_source(router)
    transport = router.transports[0]
    capabilities = router.rtp_capabilities.to_json()
    one, two = [
        await transport.consume(producer_id=producer.id, rtp_capabilities=RtpCapabilities.from_json(capabilities))
        for _ in range(2)
    ]
    assert one.rtp_parameters.codecs is two.rtp_parameters.codecs
    assert one.rtp_parameters.encodings != two.rtp_parameters.encodings
    for number in range(200):
        codec = {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "parameters": {"x": number}}
        await transport.consume(producer_id=producer.id, rtp_capabilities={"codecs": [codec]})
    assert len(producer._forms) <= 64


async def test_no_common_codec(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    producer = await transport.produce(kind="audio", rtp_parameters=audio_parameters())
    video = {"codecs": [{"mimeType": "video/VP8", "clockRate": 90000}]}
    with pytest.raises(UnsupportedParameters, match="no compatible"):
        await transport.consume(producer_id=producer.id, rtp_capabilities=video)
