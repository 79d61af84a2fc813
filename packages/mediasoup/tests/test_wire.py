"""The codec against flatc's own generated Python, which knows nothing of it."""

from __future__ import annotations

import string
import struct
import sys
from typing import Any

import flatbuffers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasoup import InvalidParameters
from mediasoup._fbs.FBS.Message.Message import MessageT
from mediasoup._fbs.FBS.Request.Method import Method
from mediasoup.channel import FrameReader
from mediasoup.envelope import envelope, frame
from mediasoup.schema import load_schema
from mediasoup.wire import codec

# The generated modules name one another from a root that their place in this package hides from them.
for name, module in list(sys.modules.items()):
    if name.startswith("mediasoup._fbs.FBS."):
        module.FBS = sys.modules["mediasoup._fbs.FBS"]  # type: ignore[attr-defined]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PARAMETER = st.one_of(
    TEXT.map(lambda value: ("String", {"value": value})),
    st.integers(-(2**31), 2**31 - 1).map(lambda value: ("Integer32", {"value": value})),
    st.floats(allow_nan=False).map(lambda value: ("Double", {"value": value})),
)
CODEC = st.fixed_dictionaries(
    {
        "mime_type": TEXT,
        "payload_type": st.integers(0, 255),
        "clock_rate": st.integers(0, 2**32 - 1),
        "channels": st.none() | st.integers(0, 255),
        "parameters": st.lists(st.fixed_dictionaries({"name": TEXT, "value": PARAMETER}), max_size=4),
        "rtcp_feedback": st.lists(st.fixed_dictionaries({"type": TEXT, "parameter": TEXT}), max_size=4),
    }
)
ENCODING = st.fixed_dictionaries(
    {
        "ssrc": st.none() | st.integers(0, 2**32 - 1),
        "rid": st.none() | TEXT,
        "codec_payload_type": st.none() | st.integers(0, 255),
        "rtx": st.none() | st.fixed_dictionaries({"ssrc": st.integers(0, 2**32 - 1)}),
        "dtx": st.booleans(),
        "max_bitrate": st.none() | st.integers(0, 2**64 - 1),
    }
)
PRODUCE = st.fixed_dictionaries(
    {
        "producer_id": TEXT,
        "kind": st.sampled_from(["audio", "video"]),
        "rtp_parameters": st.fixed_dictionaries(
            {
                "mid": st.none() | TEXT,
                "codecs": st.lists(CODEC, max_size=3),
                "header_extensions": st.just([{"uri": "urn:3gpp:video-orientation", "id": 3, "parameters": []}]),
                "encodings": st.lists(ENCODING, max_size=4),
                "rtcp": st.fixed_dictionaries({"cname": st.none() | TEXT, "reduced_size": st.booleans()}),
            }
        ),
        "rtp_mapping": st.just({"codecs": [{"payload_type": 1, "mapped_payload_type": 2}], "encodings": []}),
        "paused": st.booleans(),
        "key_frame_request_delay": st.integers(0, 2**32 - 1),
    }
)


def request(number: int, body: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "id": number,
        "method": "TRANSPORT_PRODUCE",
        "handler_id": "t",
        "body": ("Transport_ProduceRequest", body),
    }
    return {"data": ("Request", fields)}


def read_generated(data: bytes) -> Any:
    return MessageT.InitFromBuf(data, struct.unpack_from("<I", data)[0]).data


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), PRODUCE)
def test_what_is_written_the_generated_code_reads(number: int, body: dict[str, Any]) -> None:
    data = frame(codec("Message.Message").encode(request(number, body)))
    read = read_generated(data[4:])
    assert (read.id, read.method, read.handlerId) == (number, Method.TRANSPORT_PRODUCE, b"t")
    produce = read.body
    assert produce.producerId.decode() == body["producer_id"]
    assert produce.paused == body["paused"]
    wanted = body["rtp_parameters"]
    assert [item.payloadType for item in produce.rtpParameters.codecs or ()] == [
        item["payload_type"] for item in wanted["codecs"]
    ]
    for item, expected in zip(produce.rtpParameters.codecs or (), wanted["codecs"], strict=True):
        assert [entry.value.value for entry in item.parameters or ()] == [
            value["value"].encode() if kind == "String" else value["value"]
            for kind, value in (entry["value"] for entry in expected["parameters"])
        ]
    for item, expected in zip(produce.rtpParameters.encodings or (), wanted["encodings"], strict=True):
        assert (item.ssrc, item.maxBitrate, item.dtx) == (expected["ssrc"], expected["max_bitrate"], expected["dtx"])
        assert (item.rid and item.rid.decode()) == (expected["rid"] or (None if expected["rid"] is None else b""))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), PRODUCE)
def test_what_the_generated_code_writes_is_read(number: int, body: dict[str, Any]) -> None:
    ours = codec("Message.Message").encode(request(number, body))
    builder = flatbuffers.Builder(512)
    builder.Finish(MessageT.InitFromBuf(ours.data, ours.root).Pack(builder))
    theirs = bytes(builder.Output())
    read = codec("Message.Message").decode(theirs, struct.unpack_from("<I", theirs)[0])["data"]
    again = codec("Message.Message").decode(ours.data, ours.root)["data"]
    # The generated code leaves empty vectors out.
    assert _without_empty(read) == _without_empty(again)


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(item) for name, item in value.items() if item not in (None, [], "")}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def test_a_finished_block_can_be_used_in_any_message() -> None:
    table = codec("RtpParameters.RtpEncodingParameters")
    encodings = [{"ssrc": 5, "rtx": {"ssrc": 6}}, {"rid": "hi"}]
    block = table.encode_vector(encodings)
    outer = codec("RtpParameters.RtpParameters")
    fields = {"codecs": [], "header_extensions": [], "rtcp": {}}
    ready = outer.encode({**fields, "encodings": block})
    assert ready == outer.encode({**fields, "encodings": encodings})


@pytest.mark.parametrize(
    "fields",
    [
        {"producer_id": "p"},
        {"producer_id": "p", "typo": 1},
    ],
)
def test_missing_and_unknown_fields_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters):
        codec("Transport.ProduceRequest").encode(fields)


@pytest.mark.parametrize(
    ("table", "fields"),
    [
        ("Transport.PortRange", {"min": 65536}),
        ("Transport.PortRange", {"min": "1"}),
        ("Transport.PortRange", {"min": float("nan")}),
        ("Transport.ListenInfo", {"ip": 5, "port_range": {}, "flags": {}}),
        ("Transport.ListenInfo", {"ip": "\ud800", "port_range": {}, "flags": {}}),
        ("Transport.ListenInfo", {"ip": "x", "protocol": "sctp", "port_range": {}, "flags": {}}),
        ("Request.Request", {"handler_id": "", "body": ("Nonsense", {})}),
    ],
)
def test_values_that_do_not_fit_are_refused(table: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters):
        codec(table).encode(fields)


def test_every_kind_of_body_is_named_after_its_table() -> None:
    body = next(field for field in load_schema()["FBS.Request.Request"].fields if field.name == "body")
    assert body.enum is not None
    tables = {number: name for name, number in body.enum.numbers.items() if number}
    assert {number: "FBS." + name.replace("_", ".", 1) for number, name in tables.items()} == body.enum.tables


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.text(string.ascii_letters, min_size=36, max_size=36), PRODUCE)
def test_an_envelope_is_a_request(number: int, handler: str, body: dict[str, Any]) -> None:
    block = codec("Transport.ProduceRequest").encode(body)
    data = envelope("TRANSPORT_PRODUCE", "Transport_ProduceRequest", 36).fill(number, handler, block)
    fields = {**request(number, body)["data"][1], "handler_id": handler}
    assert data == frame(codec("Message.Message").encode({"data": ("Request", fields)}))


def test_an_envelope_without_body_or_handler() -> None:
    for handler in ("", "h" * 36):
        data = envelope("WORKER_DUMP", None, len(handler)).fill(7, handler)
        fields = {"id": 7, "method": "WORKER_DUMP", "handler_id": handler, "body": None}
        assert data == frame(codec("Message.Message").encode({"data": ("Request", fields)}))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=300), max_size=12), st.data())
def test_frames_survive_any_chopping(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(struct.pack("<I", len(message)) + message for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader, read = FrameReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        read += list(reader.feed(stream[start:end]))
    assert read == messages


def test_an_impossible_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="frame"):
        list(FrameReader().feed(b"\xff\xff\xff\xff1234"))
