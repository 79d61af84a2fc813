"""The pure part: whatever a client declares, the result is sound or an error, and nothing else."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasoup import (
    InvalidParameters,
    MediasoupError,
    RtpCapabilities,
    RtpCodecCapability,
    RtpParameters,
    UnsupportedParameters,
    h264,
    ortc,
    supported,
)

from .support import CODECS, H264, VP8, audio_parameters, video_parameters

ROUTER = ortc.router_rtp_capabilities([RtpCodecCapability.from_json(codec) for codec in CODECS])

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["audio/opus", "video/VP8", "video/rtx", "audio", "video", 48000, 90000, 2, 96, "x" * 5000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def almost(draw: st.DrawFn, base: Any) -> Any:
    """Something that looks right at first sight: `base` with a few values exchanged, dropped or doubled."""
    if draw(st.integers(0, 11)) == 0:
        return draw(JSON)
    if isinstance(base, dict):
        fields = {name: draw(almost(value)) for name, value in base.items() if draw(st.integers(0, 24))}
        return fields | (draw(st.dictionaries(st.sampled_from(["mid", "ssrc", "x"]), JSON, max_size=1)))
    if isinstance(base, list):
        items = [draw(almost(value)) for value in base if draw(st.integers(0, 24))]
        return items * draw(st.sampled_from([1, 1, 1, 1, 2]))
    return base


def mapped(kind: Any, parameters: RtpParameters) -> RtpParameters:
    fitted, mapping = ortc.producer_mapping(parameters, ROUTER)
    return ortc.consumable_parameters(kind, fitted, ROUTER, mapping)


def check_sound(parameters: RtpParameters) -> None:
    """What everything that is sent must be like."""
    parameters.check()
    numbers = [codec.payload_type for codec in parameters.codecs]
    assert len(set(numbers)) == len(numbers)
    for codec in parameters.codecs:
        if codec.is_rtx:
            assert codec.parameters["apt"] in numbers
    assert RtpParameters.from_json(parameters.to_json()) == parameters


@settings(deadline=None, max_examples=20)
@given(almost(audio_parameters()) | almost(video_parameters()) | JSON, almost(ROUTER.to_json()) | JSON)
def test_a_client_gets_a_sound_answer_or_a_typed_error(offered: Any, declared: Any) -> None:
    try:
        parameters = RtpParameters.from_json(offered)
        consumable = mapped(parameters.codecs[0].kind, parameters)
        check_sound(consumable)
        capabilities = RtpCapabilities.from_json(declared)
        possible = ortc.can_consume(consumable, capabilities)
        try:
            result = ortc.consumer_parameters(consumable, capabilities)
        except UnsupportedParameters:
            return
        assert possible
        check_sound(result)
        assert len(result.encodings) == 1
    except MediasoupError:
        return


@settings(deadline=None, max_examples=20)
@given(almost(ROUTER.to_json()) | JSON)
def test_equal_declarations_give_one_object(declared: Any) -> None:
    try:
        first = RtpCapabilities.from_json(declared)
    except InvalidParameters:
        with pytest.raises(InvalidParameters):
            RtpCapabilities.from_json(declared)
        return
    assert RtpCapabilities.from_json(declared) is first
    assert RtpCapabilities.from_json(first.to_json()) == first


def test_what_only_looks_equal_is_not_taken_for_it() -> None:
    good = {"codecs": [{"mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "preferredPayloadType": 1}]}
    RtpCapabilities.from_json(good)
    for wrong in (True, "1"):
        with pytest.raises(InvalidParameters):
            RtpCapabilities.from_json({"codecs": [{**good["codecs"][0], "preferredPayloadType": wrong}]})


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(supported.SUPPORTED_CODECS), max_size=8), st.data())
def test_routers_number_their_codecs_without_clashes(codecs: list[RtpCodecCapability], data: st.DataObject) -> None:
    try:
        capabilities = ortc.router_rtp_capabilities(codecs)
    except InvalidParameters:
        # Some old codecs have one fixed number, so no two of them fit.
        return
    numbers = [codec.preferred_payload_type for codec in capabilities.codecs]
    assert len(set(numbers)) == len(numbers)
    assert all(number is not None and 0 <= number <= 127 for number in numbers)
    videos = [codec for codec in capabilities.codecs if codec.kind == "video"]
    assert sum(codec.is_rtx for codec in videos) * 2 == len(videos)


def test_a_preferred_payload_type_is_kept_and_not_given_twice() -> None:
    codecs = [
        RtpCodecCapability.from_json(VP8),
        RtpCodecCapability.from_json({**H264, "preferredPayloadType": 100}),
        RtpCodecCapability.from_json({"mimeType": "audio/PCMU", "clockRate": 8000}),
    ]
    capabilities = ortc.router_rtp_capabilities(codecs)
    assert [codec.preferred_payload_type for codec in capabilities.codecs] == [101, 102, 100, 103, 0]


def test_more_codecs_than_numbers() -> None:
    codec = RtpCodecCapability.from_json(VP8)
    with pytest.raises(InvalidParameters, match="dynamic"):
        ortc.router_rtp_capabilities([codec] * 20)


@pytest.mark.parametrize(
    ("extension", "kept"),
    [(supported.TRANSPORT_CC, "transport-cc"), (supported.ABS_SEND_TIME, "goog-remb"), (supported.MID, None)],
)
def test_one_kind_of_bandwidth_feedback_is_left(extension: str, kept: str | None) -> None:
    consumable = mapped("video", RtpParameters.from_json(video_parameters()))
    declared = ROUTER.to_json()
    extensions = [item for item in declared["headerExtensions"] if item["uri"] == extension]
    capabilities = RtpCapabilities.from_json({"codecs": declared["codecs"], "headerExtensions": extensions})
    result = ortc.consumer_parameters(consumable, capabilities)
    types = {item.type for item in result.codecs[0].rtcp_feedback}
    assert types & {"transport-cc", "goog-remb"} == ({kept} if kept else set())
    assert types >= {"nack", "ccm"}
    assert [item.uri for item in result.header_extensions] == [extension]


def test_an_extension_counts_with_its_number_only() -> None:
    consumable = mapped("audio", RtpParameters.from_json(audio_parameters()))
    extensions = [{"kind": "audio", "uri": supported.MID, "preferredId": 9}]
    capabilities = RtpCapabilities.from_json({"codecs": ROUTER.to_json()["codecs"], "headerExtensions": extensions})
    assert ortc.consumer_parameters(consumable, capabilities).header_extensions == ()


def test_a_pipe_has_no_bandwidth_estimation_and_every_layer() -> None:
    consumable = mapped("video", RtpParameters.from_json(video_parameters()))
    for enable_rtx in (False, True):
        piped = ortc.pipe_consumer_parameters(consumable, enable_rtx)
        check_sound(piped)
        assert len(piped.encodings) == 3 and all(bool(item.rtx_ssrc) == enable_rtx for item in piped.encodings)
        assert {codec.is_rtx for codec in piped.codecs} == ({False, True} if enable_rtx else {False})
        uris = [item.uri for item in piped.header_extensions]
        assert supported.DEPENDENCY_DESCRIPTOR in uris
        assert not {supported.MID, supported.ABS_SEND_TIME, supported.TRANSPORT_CC} & set(uris)
        # The router at the other end takes it in.
        again = mapped("video", piped)
        assert [codec.payload_type for codec in again.codecs] == [codec.payload_type for codec in consumable.codecs]


def test_profiles_of_vp9_tell_codecs_apart() -> None:
    other = {"mimeType": "video/VP9", "clockRate": 90000, "payloadType": 98, "parameters": {"profile-id": 0}}
    with pytest.raises(UnsupportedParameters):
        mapped("video", RtpParameters.from_json(video_parameters(codecs=[other])))
    as_text = {**other, "parameters": {"profile-id": "2"}}
    mapped("video", RtpParameters.from_json(video_parameters(codecs=[as_text])))


@pytest.mark.parametrize(
    ("value", "profile", "level"),
    [
        ("42e01f", "constrained-baseline", 31),
        ("4D8028", "constrained-baseline", 40),
        ("42001e", "baseline", 30),
        ("4d0028", "main", 40),
        ("640c1f", "constrained-high", 31),
        ("640033", "high", 51),
        ("f40028", "predictive-high-444", 40),
        ("42f00b", "constrained-baseline", 10.5),
    ],
)
def test_profiles_of_h264(value: str, profile: str, level: float) -> None:
    assert h264.parse(value) == (profile, level)


@pytest.mark.parametrize("value", ["", "42e0", "42e01", "zz0000", "42e0ff", "640001", "42e01f00", "\uff142e01f"])
def test_senseless_profiles_of_h264(value: str) -> None:
    assert h264.parse(value) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "same", "answer"),
    [
        ({}, {}, True, None),
        ({"profile-level-id": "42e01f"}, {}, True, "42e01f"),
        ({"profile-level-id": "42e034"}, {"profile-level-id": "42e015"}, True, "42e015"),
        ({"profile-level-id": "42f00b"}, {"profile-level-id": "42e015"}, True, "42f00b"),
        ({"profile-level-id": "640c34"}, {"profile-level-id": "42e015"}, False, None),
        ({"profile-level-id": "nonsense"}, {}, False, None),
    ],
)
def test_answers_of_h264(ours: dict[str, Any], theirs: dict[str, Any], same: bool, answer: str | None) -> None:
    assert h264.answer(ours, theirs) == (same, answer)


def test_levels_of_h264_may_differ_if_both_say_so() -> None:
    ours = {"profile-level-id": "42e034", "level-asymmetry-allowed": 1}
    theirs = {"profile-level-id": "42e015", "level-asymmetry-allowed": "1"}
    assert h264.answer(ours, theirs) == (True, "42e034")


@settings(deadline=None, max_examples=50)
@given(st.text(string.hexdigits, min_size=6, max_size=6))
def test_answers_of_h264_can_be_read_again(value: str) -> None:
    same, answer = h264.answer({"profile-level-id": value}, {"profile-level-id": value})
    if same and answer:
        assert h264.parse(answer) == h264.parse(value)
