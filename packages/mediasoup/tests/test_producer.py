"""Producers: what they accept, what they refuse, and their end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mediasoup import (
    Closed,
    InvalidParameters,
    MediasoupError,
    PlainTransport,
    Router,
    RtpCapabilities,
    UnsupportedParameters,
    WorkerError,
)
from mediasoup.supported import ABS_CAPTURE_TIME

from .support import (
    H264,
    LOOPBACK,
    OPUS,
    VP8,
    audio_parameters,
    audio_source,
    eventually,
    pump,
    record,
    video_parameters,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def transport(router: Router) -> PlainTransport:
    return await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)


async def test_audio_is_simple(transport: PlainTransport) -> None:
    producer = await transport.produce(kind="audio", rtp_parameters=audio_parameters(), app_data="mine")
    assert (producer.kind, producer.type, producer.paused, producer.app_data) == ("audio", "simple", False, "mine")
    assert producer.rtp_parameters.codecs[0].payload_type == 111
    assert producer.consumable_rtp_parameters.codecs[0].payload_type == 100
    assert producer.consumable_rtp_parameters.encodings[0].ssrc != 1111
    assert producer.consumable_rtp_parameters.encodings[0].dtx
    assert producer.rtp_parameters.rtcp.cname == "the-sender"
    assert transport.producers == (producer,)
    dump = await producer.dump()
    assert dump["rtpParameters"]["codecs"][0]["parameters"] == {"useinbandfec": 1, "minptime": 10}
    assert dump["rtpMapping"]["codecs"] == [{"payloadType": 111, "mappedPayloadType": 100}]


async def test_three_layers_are_simulcast(transport: PlainTransport) -> None:
    producer = await transport.produce(kind="video", rtp_parameters=video_parameters())
    assert producer.type == "simulcast"
    mapped = [encoding.ssrc for encoding in producer.consumable_rtp_parameters.encodings]
    assert mapped == [mapped[0], mapped[0] + 1, mapped[0] + 2]
    assert [codec.payload_type for codec in producer.consumable_rtp_parameters.codecs] == [101, 102]


async def test_layers_of_a_browser_have_rids(transport: PlainTransport) -> None:
    encodings = [{"rid": rid, "active": True, "scaleResolutionDownBy": 2} for rid in ("r0", "r1", "r2")]
    producer = await transport.produce(kind="video", rtp_parameters=video_parameters(encodings=encodings))
    assert producer.type == "simulcast"


async def test_scalable_video_is_svc(transport: PlainTransport) -> None:
    vp9 = {"mimeType": "video/VP9", "payloadType": 98, "clockRate": 90000, "parameters": {"profile-id": 2}}
    parameters = video_parameters(codecs=[vp9], encodings=[{"ssrc": 7, "scalabilityMode": "L3T3_KEY"}])
    producer = await transport.produce(kind="video", rtp_parameters=parameters)
    assert producer.type == "svc"


async def test_the_profile_of_h264_is_negotiated(transport: PlainTransport) -> None:
    ours = {**H264["parameters"], "profile-level-id": "42e034"}
    parameters = video_parameters(codecs=[{**H264, "payloadType": 96, "parameters": ours}], encodings=[{"ssrc": 5}])
    producer = await transport.produce(kind="video", rtp_parameters=parameters)
    assert producer.rtp_parameters.codecs[0].parameters["profile-level-id"] == "42e034"
    high = {**ours, "profile-level-id": "640c1f"}
    parameters = video_parameters(codecs=[{**H264, "payloadType": 96, "parameters": high}], encodings=[{"ssrc": 6}])
    with pytest.raises(UnsupportedParameters):
        await transport.produce(kind="video", rtp_parameters=parameters)


async def test_streams_of_one_sender_share_a_cname(transport: PlainTransport) -> None:
    first = await transport.produce(kind="audio", rtp_parameters=audio_parameters())
    second = await transport.produce(kind="video", rtp_parameters=video_parameters(rtcp={"cname": "another"}))
    assert first.rtp_parameters.rtcp.cname == second.rtp_parameters.rtcp.cname == "the-sender"


async def test_pause_and_resume(transport: PlainTransport) -> None:
    producer = await transport.produce(kind="audio", rtp_parameters=audio_parameters(), paused=True)
    seen = record(producer, "pause", "resume")
    assert producer.paused and (await producer.dump())["paused"]
    await producer.resume()
    await producer.resume()
    assert not producer.paused and not (await producer.dump())["paused"]
    await producer.pause()
    assert seen == [("resume",), ("pause",)]


async def test_scores_and_stats(router: Router) -> None:
    producer, send = await audio_source(router)
    seen = record(producer, "score")
    await pump(send)
    await eventually(lambda: producer.score)
    assert seen[-1][1][0]["ssrc"] == 1111 and seen[-1][1][0]["score"] == 10
    (stats,) = await producer.get_stats()
    assert (stats["type"], stats["kind"], stats["packetCount"], stats["packetsLost"]) == ("inbound-rtp", "audio", 20, 0)


async def test_traces(router: Router) -> None:
    producer, send = await audio_source(router)
    await producer.enable_trace_event(["rtp", "pli"])
    seen = record(producer, "trace")
    await pump(send, 3)
    await eventually(lambda: len(seen) == 3)
    assert seen[0][1]["type"] == "rtp" and seen[0][1]["info"]["rtpPacket"]["ssrc"] == 1111
    with pytest.raises(InvalidParameters):
        await producer.enable_trace_event(["nonsense"])


async def test_closing(transport: PlainTransport, router: Router) -> None:
    producer = await transport.produce(kind="audio", rtp_parameters=audio_parameters())
    seen = record(producer, "close", "transportclose")
    producer.close()
    producer.close()
    assert seen == [("close",)]
    assert transport.producers == () and router.producers == ()
    assert (await transport.dump())["producerIds"] == []
    with pytest.raises(Closed):
        await producer.pause()


async def test_closing_the_transport(transport: PlainTransport) -> None:
    producer = await transport.produce(kind="audio", rtp_parameters=audio_parameters())
    seen = record(producer, "close", "transportclose")
    transport.close()
    assert seen == [("transportclose",), ("close",)]


def _with_codec(**changes: Any) -> dict[str, Any]:
    return audio_parameters(codecs=[{**audio_parameters()["codecs"][0], **changes}])


def _with_encoding(**changes: Any) -> dict[str, Any]:
    return audio_parameters(encodings=[{"ssrc": 1, **changes}])


RTX = {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000}
BIG = "x" * 1_000_000
WRONG: dict[str, Any] = {
    "nothing": None,
    "a number": 5,
    "a list": [],
    "empty": {},
    "no codecs": audio_parameters(codecs=[]),
    "codecs is no list": audio_parameters(codecs={"0": OPUS}),
    "a codec is no object": audio_parameters(codecs=["audio/opus"]),
    "100,000 codecs": audio_parameters(codecs=[{**OPUS, "payloadType": 111}] * 100_000),
    "100,000 extensions": audio_parameters(headerExtensions=[{"uri": "x", "id": 1}] * 100_000),
    "100,000 encodings": audio_parameters(encodings=[{"ssrc": i + 1} for i in range(100_000)]),
    "100,000 parameters": _with_codec(parameters={str(i): i for i in range(100_000)}),
    "100,000 feedbacks": _with_codec(rtcpFeedback=[{"type": "nack"}] * 100_000),
    "a huge mime type": _with_codec(mimeType="audio/" + BIG),
    "a huge parameter": _with_codec(parameters={"x": BIG}),
    "a huge key": _with_codec(parameters={BIG: "x"}),
    "a huge mid": audio_parameters(mid=BIG),
    "a huge cname": audio_parameters(rtcp={"cname": BIG}),
    "a huge extension": audio_parameters(headerExtensions=[{"uri": BIG, "id": 1}]),
    "a cname of 256 bytes": audio_parameters(rtcp={"cname": "ü" * 128}),
    "line breaks for other people's SDP": audio_parameters(rtcp={"cname": "x\r\na=candidate"}),
    "a line break in a parameter": _with_codec(parameters={"x": "1\na=b"}),
    "half a character": audio_parameters(mid="\ud83d"),
    "a null character": audio_parameters(mid="\0"),
    "NaN as payload type": _with_codec(payloadType=float("nan")),
    "NaN as clock rate": _with_codec(clockRate=float("nan")),
    "infinity as clock rate": _with_codec(clockRate=float("inf")),
    "NaN as parameter": _with_codec(parameters={"x": float("nan")}),
    "a boolean payload type": _with_codec(payloadType=True),
    "a payload type of 128": _with_codec(payloadType=128),
    "a negative payload type": _with_codec(payloadType=-1),
    "a payload type as text": _with_codec(payloadType="111"),
    "a fraction of a payload type": _with_codec(payloadType=1.5),
    "no payload type": audio_parameters(codecs=[OPUS]),
    "a nested parameter": _with_codec(parameters={"x": {"y": 1}}),
    "parameters as a list": _with_codec(parameters=[1]),
    "a huge integer": _with_codec(parameters={"x": 1 << 70}),
    "video in audio": video_parameters(),
    "a mime type without type": _with_codec(mimeType="opus"),
    "an application": _with_codec(mimeType="application/opus"),
    "doubled payload types": audio_parameters(codecs=[{**OPUS, "payloadType": 111}] * 2),
    "doubled extension ids": audio_parameters(headerExtensions=[{"uri": "urn:3gpp:video-orientation", "id": 3}] * 2),
    "an extension 0": audio_parameters(headerExtensions=[{"uri": "urn:3gpp:video-orientation", "id": 0}]),
    "an extension 256": audio_parameters(headerExtensions=[{"uri": "urn:3gpp:video-orientation", "id": 256}]),
    "an unknown extension": audio_parameters(headerExtensions=[{"uri": "urn:x", "id": 3}]),
    "doubled ssrcs": audio_parameters(encodings=[{"ssrc": 5}, {"ssrc": 5}]),
    "an ssrc for two things": audio_parameters(encodings=[{"ssrc": 5, "rtx": {"ssrc": 5}}]),
    "doubled rids": audio_parameters(encodings=[{"rid": "a"}, {"rid": "a"}]),
    "anonymous encodings": audio_parameters(encodings=[{}, {}]),
    "an ssrc of 0": _with_encoding(ssrc=0),
    "an ssrc too large": _with_encoding(ssrc=1 << 32),
    "an ssrc as text": _with_encoding(ssrc="1"),
    "an rtx without ssrc": _with_encoding(rtx={}),
    "an rtx that is a number": _with_encoding(rtx=4),
    "a foreign payload type": _with_encoding(codecPayloadType=5),
    "a negative bitrate": _with_encoding(maxBitrate=-1),
    "99 layers": _with_encoding(scalabilityMode="L99T99"),
    "a nonsense mode": _with_encoding(scalabilityMode="yes"),
    "dtx as text": _with_encoding(dtx="yes"),
}  # fmt: skip
WRONG_VIDEO: dict[str, Any] = {
    "rtx alone": video_parameters(codecs=[RTX]),
    "rtx of nothing": video_parameters(codecs=[{**VP8, "payloadType": 96}, RTX]),
    "rtx of another": video_parameters(codecs=[{**VP8, "payloadType": 96}, {**RTX, "parameters": {"apt": 5}}]),
    "rtx of itself": video_parameters(codecs=[{**VP8, "payloadType": 96}, {**RTX, "parameters": {"apt": 97}}]),
    "apt as text": video_parameters(codecs=[{**VP8, "payloadType": 96}, {**RTX, "parameters": {"apt": "96"}}]),
}


async def _refuses(transport: PlainTransport, kind: Any, parameters: Any) -> float:
    start = time.thread_time()
    with pytest.raises(InvalidParameters) as caught:
        await transport.produce(kind=kind, rtp_parameters=parameters)
    assert len(str(caught.value)) < 300
    return time.thread_time() - start


async def test_what_clients_should_not_send_is_refused_at_once(transport: PlainTransport, router: Router) -> None:
    times = {name: await _refuses(transport, "audio", value) for name, value in WRONG.items()}
    times |= {name: await _refuses(transport, "video", value) for name, value in WRONG_VIDEO.items()}
    times |= {"kind": await _refuses(transport, "smell", audio_parameters())}
    assert max(times.values()) < 0.05, max(times, key=lambda name: times[name])
    # The worker lives, and forwards.
    assert (await router.dump())["mapProducerIdConsumerIds"] == []
    producer, send = await audio_source(router)
    await pump(send)
    await eventually(lambda: producer.score)


async def test_unknown_codecs_are_unsupported(transport: PlainTransport) -> None:
    with pytest.raises(UnsupportedParameters, match="PCMU"):
        await transport.produce(kind="audio", rtp_parameters=_with_codec(mimeType="audio/PCMU", clockRate=8000))
    with pytest.raises(UnsupportedParameters):
        await transport.produce(kind="audio", rtp_parameters=_with_codec(channels=1))


async def test_what_only_the_worker_can_know_is_refused_by_it(transport: PlainTransport) -> None:
    await transport.produce(kind="audio", rtp_parameters=audio_parameters())
    with pytest.raises(WorkerError) as caught:
        await transport.produce(kind="audio", rtp_parameters=audio_parameters())
    assert caught.value.method == "TRANSPORT_PRODUCE" and "1111" in caught.value.reason
    with pytest.raises(WorkerError):
        await transport.produce(kind="audio", rtp_parameters=audio_parameters(mid=None, encodings=[]))
    assert len(transport.producers) == 1


async def test_wrong_capabilities_are_refused_at_once(router: Router) -> None:
    producer, _ = await audio_source(router)
    transport = router.transports[0]
    codec = {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2}
    extension = {"kind": "audio", "uri": "x", "preferredId": 1}
    for wrong in (
        None, 5, "x", [], {"codecs": {}}, {"codecs": [None]}, {"codecs": [{}]}, {"codecs": [codec] * 100_000},
        {"codecs": [{**codec, "clockRate": float("nan")}]}, {"codecs": [{**codec, "mimeType": BIG}]},
        {"codecs": [{**codec, "preferredPayloadType": 1000}]}, {"codecs": [{**codec, "parameters": {"x": None}}]},
        {"codecs": [{**codec, "preferredPayloadType": 100}] * 2},
        {"headerExtensions": [{**extension, "kind": ""}]}, {"headerExtensions": [{**extension, "preferredId": "1"}]},
        {"headerExtensions": [{**extension, "direction": "up"}]}, {"headerExtensions": [extension] * 100_000},
    ):  # fmt: skip
        start = time.thread_time()
        with pytest.raises(InvalidParameters):
            await transport.consume(producer_id=producer.id, rtp_capabilities=wrong)  # type: ignore[arg-type]
        assert time.thread_time() - start < 0.05
    with pytest.raises(UnsupportedParameters):
        await transport.consume(producer_id=producer.id, rtp_capabilities={"codecs": []})
    for wrong_id in (None, 5, [], {}, BIG, "", "../../x"):
        with pytest.raises(MediasoupError):
            await transport.consume(producer_id=wrong_id, rtp_capabilities=RtpCapabilities())  # type: ignore[arg-type]


async def test_an_unoffered_extension_is_not_passed_on(transport: PlainTransport) -> None:
    parameters = audio_parameters(headerExtensions=[{"uri": ABS_CAPTURE_TIME, "id": 9}])
    producer = await transport.produce(kind="audio", rtp_parameters=parameters)
    assert ABS_CAPTURE_TIME not in {item.uri for item in producer.consumable_rtp_parameters.header_extensions}
