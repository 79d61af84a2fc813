"""What is written and read in short cuts is, byte by byte and value by value, what the long way gives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasoup import InvalidParameters, ListenInfo, Router, WebRtcServer, WebRtcTransport, Worker
from mediasoup.recurring import Recurring
from mediasoup.stencil import Stencil
from mediasoup.transport_options import MAX_MESSAGE_SIZE, SCTP_SEND_BUFFER_SIZE, WebRtcOptions, webrtc_form
from mediasoup.wire import Encoded, codec

from .support import LOOPBACK, video_parameters

OPTIONS = WebRtcOptions(True, True, True, False, 600_000, False, MAX_MESSAGE_SIZE, SCTP_SEND_BUFFER_SIZE, 30)


def draw(consumer_id: str, mid: str, ssrc: int, rtx_ssrc: int) -> Encoded:
    """A request with two strings and two numbers to be filled in."""
    encoding = {"ssrc": ssrc, "rtx": {"ssrc": rtx_ssrc}, "dtx": False}
    parameters = {"mid": mid, "codecs": [], "header_extensions": [], "encodings": [encoding], "rtcp": {"cname": "c"}}
    request = {"consumer_id": consumer_id, "producer_id": "p", "kind": "video", "rtp_parameters": parameters}
    return codec("Transport.ConsumeRequest").encode({**request, "type": "simple", "consumable_rtp_encodings": []})


ASCII = st.characters(min_codepoint=1, max_codepoint=127)
U32 = st.integers(0, 2**32 - 1)


@given(st.text(ASCII, min_size=5, max_size=5), st.text(ASCII, min_size=1, max_size=1), U32, U32)
def test_a_stencil_gives_what_drawing_gives(consumer_id: str, mid: str, ssrc: int, rtx_ssrc: int) -> None:
    stencil = Stencil(draw, "xxxxx", "0", 1, 2)
    assert stencil.fill(consumer_id, mid, ssrc, rtx_ssrc) == draw(consumer_id, mid, ssrc, rtx_ssrc)


@pytest.mark.parametrize(
    "values",
    [("123456", "0", 1, 2), ("1234", "00", 1, 2), ("1234ü", "0", 1, 2), ("12345", "0", -1, 2), ("12345", "0", 1)],
)
def test_a_stencil_refuses_what_does_not_fit(values: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidParameters):
        Stencil(draw, "xxxxx", "0", 1, 2).fill(*values)


def test_the_form_of_a_transport_is_its_encoding() -> None:
    form = webrtc_form(OPTIONS)
    assert form is webrtc_form(OPTIONS)
    first, second = (form.on_server(letter * 36, letter * 36) for letter in "ab")
    assert first.data.replace(b"a" * 36, b"b" * 36) == second.data
    with pytest.raises(InvalidParameters):
        webrtc_form(OPTIONS._replace(initial_available_outgoing_bitrate=-1))
    with pytest.raises(InvalidParameters):
        webrtc_form(OPTIONS._replace(enable_udp=[]))  # type: ignore[arg-type]


async def test_transports_of_one_server_share_what_they_have_in_common(worker: Worker, router: Router) -> None:
    server = await worker.create_webrtc_server([LOOPBACK, ListenInfo(protocol="tcp")])
    made = await asyncio.gather(*(router.create_webrtc_transport(webrtc_server=server) for _ in range(5)))
    assert len({transport.ice_parameters.username_fragment for transport in made}) == 5
    assert len({transport.ice_parameters.password for transport in made}) == 5
    assert made[3].ice_candidates is made[4].ice_candidates
    for transport in made:
        await same_as_in_the_worker(transport)


async def test_other_ports_are_other_facts(worker: Worker, router: Router, server: WebRtcServer) -> None:
    other = await worker.create_webrtc_server([LOOPBACK])
    options: list[dict[str, Any]] = [{"webrtc_server": server}, {"webrtc_server": other}, {"listen_infos": [LOOPBACK]}]
    made = [await router.create_webrtc_transport(**one, enable_sctp=sctp) for sctp in (True, False) for one in options]
    assert len({transport.ice_candidates for transport in made}) == 4
    for transport in made:
        await same_as_in_the_worker(transport)
    assert [bool(transport.sctp_parameters) for transport in made] == [True] * 3 + [False] * 3


async def same_as_in_the_worker(transport: WebRtcTransport) -> None:
    dump = await transport.dump()
    assert dump["id"] == transport.id
    assert dump["iceParameters"] == transport.ice_parameters.to_json()
    assert [one["port"] for one in dump["iceCandidates"]] == [one.port for one in transport.ice_candidates]
    assert dump["dtlsParameters"]["fingerprints"] == transport.dtls_parameters.to_json()["fingerprints"]
    assert dump["iceState"] == transport.ice_state


def test_a_recurring_answer_is_read_anew_when_more_than_its_strings_differ() -> None:
    def fingerprint(algorithm: str, value: str) -> tuple[bytes, int]:
        data, root = codec("WebRtcTransport.Fingerprint").encode({"algorithm": algorithm, "value": value})
        return data, root

    seen = []
    reader = Recurring("WebRtcTransport.Fingerprint", (("value",),), lambda table: seen.append(table) or dict(table))
    for algorithm, value in [("sha-256", "AA:BB"), ("sha-256", "CC:DD"), ("sha-512", "EE:FF"), ("sha-256", "longer")]:
        facts, strings = reader.read(*fingerprint(algorithm, value))
        assert (facts["algorithm"], strings) == (algorithm, (value,))
    assert len(seen) == 3


async def test_consumers_by_a_form_are_consumers(router: Router, server: WebRtcServer) -> None:
    sending = await router.create_webrtc_transport(webrtc_server=server)
    receiving = await router.create_webrtc_transport(webrtc_server=server)
    producer = await sending.produce(kind="video", rtp_parameters=video_parameters())
    asked = {"producer_id": producer.id, "rtp_capabilities": router.rtp_capabilities}
    for options in (
        {},
        {},
        {"paused": True},
        {"mid": "ü"},
        {"mid": "later"},
        {"preferred_layers": {"spatialLayer": 1}},
    ):
        consumer = await receiving.consume(**asked, **options)  # type: ignore[arg-type]
        dump = await consumer.dump()
        assert dump["paused"] is consumer.paused is bool(options.get("paused"))
        assert dump["rtpParameters"]["mid"] == consumer.rtp_parameters.mid
        assert dump["rtpParameters"]["encodings"][0]["ssrc"] == consumer.rtp_parameters.encodings[0].ssrc
        assert dump["rtpParameters"]["encodings"][0]["rtx"]["ssrc"] == consumer.rtp_parameters.encodings[0].rtx_ssrc
