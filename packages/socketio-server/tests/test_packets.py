"""Packets of Engine.IO and Socket.IO, and the queue."""

from typing import Any

import pytest

from socketio_server import PacketError, packets
from socketio_server.frames import unpack
from socketio_server.queue import Full, Outbox, QueuePolicy


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("40", (0, 0, "/", None, 2)),
        ("40/admin,{}", (0, 0, "/admin", None, 9)),
        ("40/admin?a=b,{}", (0, 0, "/admin", None, 13)),
        ("41/admin", (1, 0, "/admin", None, 8)),
        ('42["x"]', (2, 0, "/", None, 2)),
        ('42/a,17["x"]', (2, 0, "/a", 17, 7)),
        ("4312[]", (3, 0, "/", 12, 4)),
        ('452-/a,3["x"]', (5, 2, "/a", 3, 8)),
        ("461-3[]", (6, 1, "/", 3, 5)),
    ],
)
def test_headers(text: str, header: Any) -> None:
    assert packets.parse_header(text) == header


@pytest.mark.parametrize("text", ["", "4", "47", "45[]", "451", "4x", "451x-[]"])
def test_headers_that_nobody_sends(text: str) -> None:
    with pytest.raises(PacketError):
        packets.parse_header(text)


@pytest.mark.parametrize("payload", [None, {}, [], [5], [None], ["connect"], ["disconnect"], "x"])
def test_payloads_that_are_no_events(payload: Any) -> None:
    with pytest.raises(PacketError):
        packets.parse_event(payload)


def test_packets_as_the_protocol_document_shows_them() -> None:
    assert unpack(packets.encode(packets.EVENT, "/", None, ["foo"])) == [(1, b'42["foo"]')]
    assert unpack(packets.encode(packets.EVENT, "/admin", 12, ["bar"])) == [(1, b'42/admin,12["bar"]')]
    assert unpack(packets.encode(packets.DISCONNECT, "/admin", None, None)) == [(1, b"41/admin,")]
    assert unpack(packets.encode(packets.ACK, "/", 15, ["bar", b"\x01\x02"])) == [
        (1, b'461-15["bar",{"_placeholder":true,"num":0}]'),
        (2, b"\x01\x02"),
    ]
    assert packets.has_binary({"a": [1, {"b": (bytearray(b"x"),)}]}) and not packets.has_binary({"a": ["x", None, {}]})


def test_binary_parts_go_where_their_placeholders_are() -> None:
    payload = ["x", {"_placeholder": True, "num": 1}, {"a": [{"_placeholder": True, "num": 0}]}]
    assert packets.fill(payload, [b"zero", b"one"]) == ["x", b"one", {"a": [b"zero"]}]
    for number in (2, -1, "0", True, 0.0, None):
        with pytest.raises(PacketError):
            packets.fill(["x", {"_placeholder": True, "num": number}], [b"zero", b"one"])
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with pytest.raises(PacketError):
        packets.fill(deep, [])


def test_polling_payloads() -> None:
    wires = [packets.encode_event("/", "a", [b"\x01"]), packets.PING_WIRE]
    body = packets.polling_payload(wires)
    assert body == b'451-["a",{"_placeholder":true,"num":0}]\x1ebAQ==\x1e2'
    assert packets.split_payload(body.decode()) == ['451-["a",{"_placeholder":true,"num":0}]', b"\x01", "2"]


def _wire(text: str) -> bytes:
    return packets.encode_event("/", text, ())


def _taken(outbox: Outbox) -> list[bytes]:
    found = []
    while outbox:
        found.append(outbox.take())
    assert (outbox.size, outbox.packets) == (0, 0)
    return found


def test_a_queue_that_drops() -> None:
    outbox = Outbox(QueuePolicy(max_packets=2))
    for text in "abc":
        outbox.put(_wire(text))
    outbox.force(packets.PING_WIRE)
    assert (outbox.packets, outbox.dropped) == (3, 1)
    assert _taken(outbox) == [_wire("a"), _wire("b"), packets.PING_WIRE]
    outbox = Outbox(QueuePolicy(max_bytes=100))
    outbox.put(_wire("x" * 80))
    outbox.put(_wire("x" * 80))
    assert outbox.dropped == 1


def test_a_queue_that_coalesces() -> None:
    outbox = Outbox(QueuePolicy(max_packets=2, overflow="coalesce"))
    outbox.put(_wire("a1"), "a")
    outbox.put(_wire("b"))
    outbox.put(_wire("a2"), "a")
    outbox.put(_wire("c"))
    assert outbox.dropped == 1
    assert outbox.take() == _wire("a2")
    outbox.put(_wire("a3"), "a")
    assert _taken(outbox) == [_wire("b"), _wire("a3")]


def test_a_queue_that_disconnects() -> None:
    outbox = Outbox(QueuePolicy(max_packets=1, overflow="disconnect"))
    outbox.put(_wire("a"))
    with pytest.raises(Full):
        outbox.put(_wire("b"))
    outbox.put(_wire("b"), overflow="drop")
    assert _taken(outbox) == [_wire("a")]
