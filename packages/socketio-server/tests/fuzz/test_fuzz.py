"""S13: malformed frames, packets and payloads. Nothing but the documented errors; the sender goes, the others stay."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socketio_server import PacketError, Server, Socket
from socketio_server.errors import FrameError
from socketio_server.frames import FrameReader, unpack
from socketio_server.packets import (
    encode_event,
    fill,
    parse_event,
    parse_header,
    parse_payload,
    polling_payload,
    split_payload,
)
from socketio_server.websocket import WebSocketLink

from .mutator import Mutator

LIMIT = 4096
HEAD = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
CODES = {*range(1000, 1015)} - {1004, 1005, 1006}
"""Those that may be sent: a client's own code is sent back, as may be any from 3000 on."""


def _cases(usual: int, soak: int) -> Any:
    """So many cases in every run, and so many more in `make soak`."""
    return pytest.mark.parametrize(
        "cases", [usual, pytest.param(soak, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
    )


@_cases(150_000, 1_000_000)
def test_packets_are_read_or_refused(cases: int) -> None:
    mutator, read = Mutator(seed=cases), 0
    for _ in range(cases):
        text = mutator.packet()
        try:
            header = parse_header(text)
            payload = parse_payload(text, header.start)
            filled = fill(payload, [b"part"] * min(header.attachments, 3))
            parse_event(filled)
            read += 1
        except PacketError:
            continue
        assert 0 <= header.kind <= 6 and header.namespace.startswith("/")
    assert 0.05 * cases < read < 0.9 * cases, "the cases are neither all right nor all wrong"


@_cases(50_000, 1_000_000)
def test_payloads_are_split_or_refused(cases: int) -> None:
    mutator, read = Mutator(seed=cases), 0
    for _ in range(cases):
        body = mutator.payload()
        try:
            packets = split_payload(body)
        except PacketError:
            continue
        read += 1
        assert len(packets) == body.count("\x1e") + 1
    assert read > 0.5 * cases


@_cases(50_000, 1_000_000)
def test_frames_are_read_or_refused(cases: int) -> None:
    mutator, read, refused = Mutator(seed=cases), 0, 0
    for _ in range(cases):
        reader = FrameReader(LIMIT)
        try:
            for piece in mutator.stream():
                reader.feed(piece)
                while (found := reader.next()) is not None:
                    opcode, payload = found
                    assert opcode in (1, 2, 8, 9, 10)
                    assert len(payload) <= (125 if opcode & 8 else LIMIT)
                    read += 1
        except FrameError as error:
            assert error.code in (1002, 1009)
            refused += 1
    assert read > cases / 2 and refused > cases / 10


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), st.lists(VALUES, max_size=4))
def test_what_is_encoded_is_read_again(event: str, args: list[Any]) -> None:
    wire = encode_event("/custom", event, args)
    (_text, first), *parts = unpack(wire)
    header = parse_header(first.decode())
    payload = fill(parse_payload(first.decode(), header.start), [part for _binary, part in parts])
    assert (header.namespace, header.attachments, payload) == ("/custom", len(parts), [event, *args])
    again = split_payload(polling_payload([wire]).decode())
    assert again == [first.decode(), *(part for _binary, part in parts)]


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for packet in (text, "4" + text, "42" + text, '42["' + text, "451-" + text):
        with suppress(PacketError):
            parse_event(fill(parse_payload(packet, parse_header(packet).start), []))


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=6))
def test_any_bytes_are_frames_or_refused(pieces: list[bytes]) -> None:
    reader = FrameReader(LIMIT)
    try:
        for piece in pieces:
            reader.feed(piece)
            while reader.next() is not None:
                pass
    except FrameError:
        pass


class _Wire(asyncio.Transport):
    """The network's end of a connection, in memory."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.sent = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        if not self.closed:
            self.sent += data

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        """The frames that the server has sent."""
        return unpack(bytes(self.sent[self.sent.index(b"\r\n\r\n") + 4 :]))


def _connect(server: Server) -> tuple[WebSocketLink, _Wire]:
    link, wire = WebSocketLink(server), _Wire()
    link.connection_made(wire)
    link.data_received(HEAD)
    return link, wire


@contextmanager
def _no_errors() -> Iterator[list[logging.LogRecord]]:
    """Whatever is logged as an error meanwhile."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = records.append  # type: ignore[method-assign]
    names = ("socketio_server", "asyncio")
    for name in names:
        logging.getLogger(name).addHandler(handler)
    try:
        yield records
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(handler)


@_cases(20_000, 1_000_000)
async def test_whoever_sends_nonsense_goes_and_the_others_stay(cases: int) -> None:
    # The witness, which is no client library, answers no heartbeats.
    server = Server(max_payload=LIMIT, ping_interval=86400.0)
    main = server.of("/")

    async def answer(_socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args

    for event in ("echo", "ack"):
        main.on(event, answer)
    witness, heard = _connect(server)
    witness.data_received(b"\x81\x82" + bytes(4) + b"40")
    mutator, ended = Mutator(seed=cases), 0
    with _no_errors() as errors:
        for number in range(cases):
            link, wire = _connect(server)
            if number % 2:
                link.data_received(b"\x81\x82" + bytes(4) + b"40")
                await asyncio.sleep(0)
            for piece in mutator.stream():
                if wire.closed:
                    break
                link.data_received(piece)
            await asyncio.sleep(0)
            closing = [payload for opcode, payload in wire.frames if opcode == 8]
            if closing:
                ended += 1
                code = int.from_bytes(closing[0][:2], "big")
                assert code in CODES or 3000 <= code <= 4999, closing
            if number % 1000 == 0:
                heard.sent.clear()
                witness.data_received(b"\x81\x8e" + bytes(4) + b'42%d["ack",123]' % (number % 10))
                await asyncio.sleep(0.001)
                assert heard.sent[2:] == b"43%d[123]" % (number % 10), bytes(heard.sent)
            wire.close()
            link.connection_lost(None)
        await asyncio.sleep(0.01)
    assert not errors, [record.getMessage() for record in errors[:3]]
    assert list(server.sessions) == [witness.session.sid if witness.session else ""], "only the witness is left"
    assert len(main.sockets) == 1
    assert ended > cases / 10
    await server.close("done")


async def test_whoever_polls_nonsense_goes_and_the_others_stay(start: Any) -> None:
    place = await start()
    mutator = Mutator(seed=7)
    with _no_errors() as errors:
        async with place.client() as witness:
            for _ in range(150):
                sid = await place.polling()
                body = mutator.payload().encode("utf-8", "surrogatepass")
                assert (await place.post(sid, body)).status_code in (200, 400)
                await place.post(sid, "1")
            await witness.send('421["unknown"]', "40/nowhere,")
            assert await witness.recv() == '44/nowhere,{"message":"Invalid namespace"}'
            assert len(place.server.sessions) == 1
    assert not errors, [record.getMessage() for record in errors[:3]]


def test_msgspec_reads_what_json_writes() -> None:
    """The parser refuses what is no JSON; bytes that look like it must not differ by the parser."""
    for text in ('"\\ud800"', "1e999", "[1,]", "NaN", "-", "01"):
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(text)
