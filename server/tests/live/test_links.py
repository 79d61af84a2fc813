"""Sockets as the server keeps them, down to their packets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rostrum.kit import realtime
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


@asynccontextmanager
async def _raw(hall: Any, *, query: str = "", **options: Any) -> AsyncIterator[ClientConnection]:
    url = hall.url.replace("http", "ws") + f"/socket.io/?EIO=4&transport=websocket{query}"
    async with connect(url, **options) as socket:
        opened = str(await socket.recv())
        assert opened[0] == "0" and json.loads(opened[1:])["pingInterval"] == 25000
        yield socket


async def _handshake(hall: Any, socket: ClientConnection) -> str:
    await socket.send("40" + json.dumps({"apiKey": await hall.key()}))
    answer = str(await socket.recv())
    assert answer.startswith('40{"sid":'), answer
    return str(json.loads(answer[2:])["sid"])


async def test_events_of_one_socket_keep_their_order_and_hold_up_nobody(hall: Any) -> None:
    order: list[int] = []
    slow = asyncio.Event()

    async def handler(_connection: Any, number: int) -> int:
        if number == 0:
            await slow.wait()
        order.append(number)
        return number

    hall.services.realtime.on("test", handler)
    one, two = await hall.client(), await hall.client()
    waiting = [asyncio.ensure_future(one.call("test", number)) for number in range(5)]
    await asyncio.sleep(0.1)
    assert await two.call("test", 7) == 7
    assert order == [7]
    slow.set()
    assert await asyncio.gather(*waiting) == [0, 1, 2, 3, 4]
    assert order == [7, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_binary_parts(hall: Any, transport: str) -> None:
    async def handler(_connection: Any, body: Any, more: Any) -> int:
        assert isinstance(body["data"], bytes) and isinstance(more, bytes)
        return len(body["data"]) + len(more)

    hall.services.realtime.on("test", handler)
    client = await hall.client(transport=transport)
    assert await client.call("test", {"data": b"x" * 1000}, b"yy") == 1002
    await client.drop()


async def test_binary_parts_that_are_too_large(hall: Any) -> None:
    client = await hall.client()
    assert await client.code("join", {"a": b"x" * 600_000, "b": b"x" * 600_000}) == "payload_too_large"
    assert await client.code("join", {"a": b"x"}) == "invalid_input"


async def test_what_waits_for_a_client_is_bounded_by_bytes(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    (theirs,) = [one for one in hall.services.realtime.all() if one.id == guest.socket.get_sid()]
    for _ in range(60):
        hall.services.realtime.emit("filler", "x" * 100_000, to=theirs.id)
    await _until(lambda: hall.services.realtime.connection(theirs.id) is None)
    await host.ok("getMyRoomInfo")


async def test_an_unexpected_error_tells_nothing(hall: Any) -> None:
    async def handler(_connection: Any, *_: Any) -> None:
        raise RuntimeError("a secret")

    hall.services.realtime.on("test", handler)
    answer = await (await hall.client()).call("test")
    assert answer == {"error": "Something went wrong on the server.", "code": "internal"}


async def test_a_refused_handshake_says_why(hall: Any) -> None:
    async with _raw(hall) as socket:
        await socket.send('40{"apiKey":"rk_pub_wrong"}')
        answer = str(await socket.recv())
        assert answer.startswith("44") and json.loads(answer[2:])["data"] == {"code": "invalid_api_key"}
    async with _raw(hall) as socket:
        await socket.send("40/admin,{}")
        assert str(await socket.recv()).startswith("44/admin,")


async def test_the_key_may_come_in_the_query(hall: Any) -> None:
    async with _raw(hall, query=f"&apiKey={await hall.key()}") as socket:
        await socket.send("40")
        assert str(await socket.recv()).startswith('40{"sid":')


async def test_foreign_origins_are_refused(make_hall: Any) -> None:
    hall = await make_hall(allowed_origins=["https://good.example"])
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus):
            async with _raw(hall, origin=origin):
                pass
    for origin in ("https://good.example", hall.url):
        async with _raw(hall, origin=origin) as socket:
            await _handshake(hall, socket)


@pytest.mark.parametrize(
    "packet",
    ["", "9", "2probe", "4", "49", "42", "40{", '451-["x"]', '4599-["x"]', "45x", "4" + "2" * 50, b"binary"],
)
async def test_what_no_library_sends_ends_the_socket_and_nothing_else(hall: Any, packet: Any) -> None:
    client = await hall.client()
    async with _raw(hall) as socket:
        await socket.send(packet)
        with pytest.raises((ConnectionClosed, TimeoutError)):
            async with asyncio.timeout(0.5):
                while True:
                    await socket.recv()
    assert await client.code("getProducers") == "not_in_room"


async def test_a_frame_above_the_transports_limit_closes_with_1009(hall: Any) -> None:
    async with _raw(hall) as socket:
        await _handshake(hall, socket)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.send('42["x","' + "y" * (5 << 20) + '"]')
            await socket.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009


async def test_pings_and_what_follows_when_nobody_answers(make_hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "PING_SECONDS", 0.2)
    monkeypatch.setattr(realtime, "PONG_SECONDS", 0.2)
    hall = await make_hall()
    url = hall.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    async with connect(url) as socket:
        await socket.recv()
        await _handshake(hall, socket)
        for _ in range(3):
            assert await socket.recv() == "2"
            await socket.send("3")
        assert await socket.recv() == "2"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    await _until(lambda: hall.services.realtime.connections == 0)


async def test_a_socket_without_a_handshake_is_let_go(make_hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "HANDSHAKE_SECONDS", 0.2)
    hall = await make_hall()
    async with _raw(hall) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_a_client_that_does_not_read_is_given_up(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    # The client's library stops reading from its socket, as a stalled browser would.
    stalled = await asyncio.open_connection("127.0.0.1", int(hall.url.rsplit(":", 1)[1]))
    request = (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    stalled[1].write(request.encode())
    await stalled[0].readuntil(b"\r\n\r\n")
    stalled[1].write(_masked("40" + json.dumps({"apiKey": await hall.key()})))
    await _until(lambda: hall.services.realtime.connections == 3)
    known = {host.socket.get_sid(), guest.socket.get_sid()}
    (theirs,) = [one for one in hall.services.realtime.all() if one.id not in known]
    stalled[1].transport.pause_reading()
    for _ in range(400):
        for _ in range(10):
            hall.services.realtime.emit("filler", "x" * 10_000, to=theirs.id)
        await asyncio.sleep(0)
    await _until(lambda: hall.services.realtime.connections == 2)
    await host.ok("sendMessage", {"message": "still here"})
    await guest.hear("message")
    stalled[1].close()


def _masked(text: str) -> bytes:
    data = text.encode()
    assert len(data) < 126 or len(data) < 65536
    size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE]) + len(data).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + data


async def test_a_token_that_ends_takes_its_socket_along(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    room_id, host, _guests = await hall.stage(0)
    monkeypatch.setattr(hall.services.sockets, "_now", lambda: 2**62)
    await hall.services.sockets.sweep()
    assert (await host.hear("roomClosed"))["reason"] == "token_expired"
    await _until(lambda: not host.socket.connected)
    assert room_id


async def _until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


async def test_websockets_pass_what_the_middlewares_decide(make_hall: Any) -> None:
    hall = await make_hall(https_only=True, trusted_proxies=["127.0.0.1"])
    with pytest.raises(InvalidStatus) as refused:
        async with _raw(hall):
            pass
    assert refused.value.response.status_code == 403
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    async with _raw(hall, additional_headers=headers) as socket:
        await _handshake(hall, socket)
        (connection,) = hall.services.realtime.all()
        assert connection.address == "203.0.113.7"
