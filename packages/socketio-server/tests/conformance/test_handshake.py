"""Engine.IO 4: how a session begins, and what is refused."""

import asyncio
from typing import Any

import aiohttp
import pytest

from .conftest import Keep
from .subject import Subject, ours_alone
from .wire import Polling, Raw, WebSocket

FIELDS = {"sid": str, "upgrades": list, "pingInterval": int, "pingTimeout": int, "maxPayload": int}


def _right(opened: dict[str, Any]) -> None:
    assert {name: type(value) for name, value in opened.items()} == FIELDS
    assert (opened["pingInterval"], opened["pingTimeout"], opened["maxPayload"]) == (25000, 20000, 1 << 20)


async def test_polling_handshake_names_the_session_and_its_parameters(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.open(subject.url))
    _right(client.opened)
    assert client.opened["upgrades"] == ["websocket"]


async def test_websocket_handshake_offers_no_upgrade(subject: Subject, keep: Keep) -> None:
    client = await keep(WebSocket.open(subject.url))
    _right(client.opened)
    assert client.opened["upgrades"] == []


async def test_ids_of_sessions_differ_and_cannot_be_guessed(subject: Subject, keep: Keep) -> None:
    ids = {(await keep(Polling.open(subject.url))).sid for _ in range(20)}
    assert len(ids) == 20
    assert all(len(one) >= 20 for one in ids)


async def test_a_polling_handshake_is_text_that_nobody_caches(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.open(subject.url))
    async with client.session.get(f"{subject.url}/socket.io/?EIO=4&transport=polling") as response:
        assert response.headers["Content-Type"].lower().replace(" ", "") == "text/plain;charset=utf-8"
        assert "no-store" in response.headers.get("Cache-Control", "no-store")


@pytest.mark.parametrize(
    "query",
    [
        "transport=polling",
        "EIO=5&transport=polling",
        "EIO=abc&transport=polling",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=__proto__",
        "EIO=4&transport=polling&sid=unknown",
        "",
    ],
)
async def test_a_wrong_polling_handshake_answers_400(subject: Subject, keep: Keep, query: str) -> None:
    client = await keep(_nothing(subject))
    status, _body = await client.request("GET", query)
    assert status == 400


@ours_alone
async def test_protocol_3_answers_400(subject: Subject, keep: Keep) -> None:
    client = await keep(_nothing(subject))
    assert (await client.request("GET", "EIO=3&transport=polling"))[0] == 400
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await WebSocket.connect(subject.url, "EIO=3&transport=websocket")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_a_handshake_with_another_method_answers_400(subject: Subject, keep: Keep, method: str) -> None:
    client = await keep(_nothing(subject))
    status, _body = await client.request(method, "EIO=4&transport=polling")
    assert status in (400, 405)


async def test_a_post_to_an_unknown_session_answers_400(subject: Subject, keep: Keep) -> None:
    client = await keep(_nothing(subject))
    status, _body = await client.request("POST", "EIO=4&transport=polling&sid=unknown", "4")
    assert status == 400


@pytest.mark.parametrize(
    "query",
    ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc",
     "EIO=4&transport=websocket&sid=unknown"],
)  # fmt: skip
async def test_a_wrong_websocket_handshake_is_refused(subject: Subject, query: str) -> None:
    try:
        client = await WebSocket.connect(subject.url, query)
    except aiohttp.WSServerHandshakeError as refused:
        assert refused.status == 400
        return
    try:
        await client.closed()
    finally:
        await client.close()


async def test_a_websocket_session_does_not_answer_polls(subject: Subject, keep: Keep) -> None:
    socket = await keep(WebSocket.open(subject.url))
    poller = await keep(_nothing(subject))
    sid = socket.opened["sid"]
    assert (await poller.request("GET", f"EIO=4&transport=polling&sid={sid}"))[0] == 400
    assert (await poller.request("POST", f"EIO=4&transport=polling&sid={sid}", "4"))[0] == 400


@ours_alone
async def test_other_paths_answer_404(subject: Subject, keep: Keep) -> None:
    client = await keep(_nothing(subject))
    async with client.session.get(f"{subject.url}/elsewhere/?EIO=4&transport=polling") as response:
        assert response.status == 404


async def test_a_transport_that_is_switched_off_is_refused(make_subject: Any, keep: Keep) -> None:
    subject = make_subject(transports=["websocket"])
    client = await keep(_nothing(subject))
    assert (await client.request("GET", "EIO=4&transport=polling"))[0] == 400
    await keep(WebSocket.join(subject.url))


async def test_no_upgrade_is_offered_when_websocket_is_switched_off(make_subject: Any, keep: Keep) -> None:
    subject = make_subject(transports=["polling"])
    client = await keep(Polling.open(subject.url))
    assert client.opened["upgrades"] == []
    with pytest.raises((aiohttp.WSServerHandshakeError, AssertionError)):
        opened = await WebSocket.connect(subject.url)
        await opened.closed()
        raise AssertionError


@pytest.mark.parametrize(
    ("header", "instead"),
    [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 7"),
        ("Sec-WebSocket-Key: ", "X-Nothing: "),
        ("Upgrade: websocket", "Upgrade: h2c"),
    ],
)
async def test_an_upgrade_request_that_is_none_is_refused(subject: Subject, header: str, instead: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    request = (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    writer.write(request.replace(header, instead).encode())
    try:
        status = (await asyncio.wait_for(reader.readline(), 10)).split()[1]
        assert status in (b"400", b"404", b"426"), status
    finally:
        writer.close()


async def test_the_key_is_answered_as_rfc_6455_wants(subject: Subject) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    writer.write(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: localhost\r\nUPGRADE: WebSocket\r\n"
        b"connection: keep-alive, upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"sec-websocket-version: 13\r\n\r\n"
    )
    try:
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).lower()
        assert b" 101 " in head
        assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in head  # The example of section 1.3.
    finally:
        writer.close()


async def test_no_compression_is_negotiated(subject: Subject, keep: Keep) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    client = await keep(Raw.connect(subject.port, "EIO=4&transport=websocket", offer))
    assert b" 101 " in client.answer
    assert b"extensions" not in client.answer.lower()


async def _nothing(subject: Subject) -> Polling:
    return Polling(subject.url)
