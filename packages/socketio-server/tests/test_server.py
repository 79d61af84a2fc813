"""The server over a real port: events, acknowledgements, rooms, namespaces, limits."""

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from socketio_server import CallTimeout, ConnectRefused, Disconnected, PacketError


async def _echo(_socket: Any, *args: Any) -> Any:
    return args


@pytest.mark.parametrize("raw", [True, False])
async def test_an_event_and_its_acknowledgement(start: Any, raw: bool) -> None:
    place = await start(raw=raw)
    place.main.on("echo", _echo)
    async with place.client() as client:
        await client.send('421["echo",1,"two",{"three":[true]}]')
        assert await client.recv() == '431[1,"two",{"three":[true]}]'


@pytest.mark.parametrize("raw", [True, False])
async def test_binary_parts_both_ways(start: Any, raw: bool) -> None:
    place = await start(raw=raw)
    place.main.on("echo", _echo)
    async with place.client() as client:
        await client.send(
            '452-7["echo",{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]', b"one", b"two"
        )
        assert await client.recv() == '462-7[{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]'
        assert [await client.recv(), await client.recv()] == [b"two", b"one"]


async def test_what_a_handler_returns_is_the_acknowledgement(start: Any) -> None:
    place = await start()

    async def nothing(_socket: Any) -> None:
        return None

    async def anything(socket: Any, event: str, args: list[Any]) -> Any:
        return {"event": event, "args": args, "asked": socket.wants_answer}

    place.main.on("nothing", nothing)
    async with place.client() as client:
        await client.send('42["unknown"]', '421["unknown"]', '422["nothing"]')
        assert await client.recv() == "432[]"
        place.main.on_any(anything)
        await client.send('423["unknown",5]')
        assert json.loads((await client.recv())[3:]) == [{"event": "unknown", "args": [5], "asked": True}]


async def test_a_handler_may_acknowledge_before_it_is_done(start: Any) -> None:
    place = await start()

    async def early(socket: Any) -> str:
        assert socket.wants_answer
        socket.answer("now", 1)
        assert not socket.wants_answer
        socket.emit("after")
        socket.answer("never")
        return "nor this"

    place.main.on("early", early)
    async with place.client() as client:
        await client.send('427["early"]', '42["early"]', '428["early"]')
        assert [await client.recv() for _ in range(2)] == ['437["now",1]', '42["after"]']


async def test_a_dropped_client_hears_what_was_sent_and_is_free_to_come_back(start: Any) -> None:
    place = await start()
    async with place.client() as client:
        (socket,) = place.main.sockets.values()
        socket.emit("last")
        socket.drop()
        socket.drop()
        assert await client.recv() == '42["last"]'
        with pytest.raises(ConnectionClosed) as closed:  # No packet of a disconnection came.
            await client.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
    assert [reason for _id, reason in place.gone] == ["transport close"] and not place.main.sockets


async def test_the_servers_calls(start: Any) -> None:
    place = await start()
    async with place.client() as client:
        (socket,) = place.main.sockets.values()
        call = asyncio.ensure_future(socket.call("ask", 5))
        assert await client.recv() == '421["ask",5]'
        await client.send('431["answer"]')
        assert await call == "answer"
        with pytest.raises(CallTimeout):
            await socket.call("ask", timeout=0.05)
        call = asyncio.ensure_future(socket.call("ask"))
        await asyncio.sleep(0)
        await client.socket.close()
        with pytest.raises(Disconnected):
            await call
        with pytest.raises(Disconnected):
            await socket.call("ask")


async def test_one_sockets_events_are_handled_in_order_and_hold_up_nobody(start: Any) -> None:
    place = await start()
    order: list[int] = []
    slow = asyncio.Event()

    async def handler(_socket: Any, number: int) -> int:
        if number == 0:
            await slow.wait()
        order.append(number)
        return number

    place.main.on("test", handler)
    async with place.client() as one, place.client() as two:
        for number in range(200):
            await one.send(f'42{number}["test",{number}]')
        await two.send('421["test",1000]')
        assert await two.recv() == "431[1000]"
        (session, _) = place.server.sessions.values()
        await asyncio.sleep(0.05)
        assert session.held  # The client is not read from while its handlers are so far behind.
        slow.set()
        assert [await one.recv() for _ in range(200)] == [f"43{number}[{number}]" for number in range(200)]
    assert order == [1000, *range(200)]


async def test_a_handler_that_fails_answers_nothing_and_ends_nothing(start: Any) -> None:
    place = await start()

    async def broken(_socket: Any) -> None:
        raise RuntimeError("a secret")

    place.main.on("broken", broken)
    place.main.on("echo", _echo)
    async with place.client() as client:
        await client.send('421["broken"]', '422["echo",1]')
        assert await client.recv() == "432[1]"


async def test_rooms_and_who_is_left_out(start: Any) -> None:
    place = await start()
    async with place.client() as one, place.client() as two, place.client() as three:
        sockets = place.main.sockets
        sockets[one.sid].join("red")
        sockets[two.sid].join("red")
        sockets[two.sid].join("blue")
        sockets[three.sid].join("blue")
        assert sockets[two.sid].rooms == {"red", "blue"}
        place.main.to("red").emit("a", 1)
        place.main.to("red").except_(one.sid).emit("b")
        place.main.to("red", "blue").emit("c")
        place.main.to("blue").except_("red").emit("d")
        place.main.to(three.sid).emit("e")
        sockets[two.sid].leave("red")
        place.main.to("red").emit("f")
        place.main.emit("g")
        place.main.except_(one.sid, three.sid).emit("h")
        assert [(await one.recv())[3:-1] for _ in range(4)] == ['"a",1', '"c"', '"f"', '"g"']
        assert [(await two.recv())[3:-1] for _ in range(5)] == ['"a",1', '"b"', '"c"', '"g"', '"h"']
        assert [(await three.recv())[3:-1] for _ in range(4)] == ['"c"', '"d"', '"e"', '"g"']
    await until_gone(place, "transport close", 3)
    assert not place.main.rooms and not place.main.sockets


async def test_a_broadcast_that_is_acknowledged(start: Any) -> None:
    place = await start()
    async with place.client() as one, place.client() as two, place.client():
        call = asyncio.ensure_future(place.main.to().call("ask", timeout=0.3))
        for client, answer in ((one, 1), (two, 2)):
            asked = await client.recv()
            await client.send(f"43{asked[2 : asked.index('[')]}[{answer}]")
        assert sorted(await call) == [1, 2]


async def test_each_socket_gets_everything_in_the_order_of_sending(start: Any) -> None:
    place = await start()
    async with place.client() as one, place.client() as two:
        first, second = place.main.sockets[one.sid], place.main.sockets[two.sid]
        first.join("x")
        number = 0
        expected: dict[str, list[int]] = {one.sid: [], two.sid: []}

        def send(kind: int) -> None:
            nonlocal number
            number += 1
            chosen = [[first], [second], [first], [first, second], [second]][kind]
            if kind < 2:
                chosen[0].emit("n", number)
            elif kind == 2:
                place.main.to("x").emit("n", number)
            elif kind == 3:
                place.main.emit("n", number)
            else:
                place.main.except_(one.sid).emit("n", number)
            for socket in chosen:
                expected[socket.id].append(number)

        for turn in range(40):
            for step in range(turn % 7):
                send((turn * 3 + step * step) % 5)
            await asyncio.sleep(0)
        for client in (one, two):
            got = [json.loads((await client.recv())[2:])[1] for _ in expected[client.sid]]
            assert got == expected[client.sid]


async def test_middlewares_refuse_with_a_reason(start: Any) -> None:
    place = await start()
    seen: list[Any] = []

    async def check(handshake: Any) -> None:
        seen.append((handshake.auth, handshake.query["EIO"], handshake.headers["host"], handshake.address))
        if handshake.auth == {"token": "bad"}:
            raise ConnectRefused("Not you.", data={"code": 5})
        handshake.data = "known"

    async def welcome(socket: Any) -> None:
        socket.emit("hello", socket.handshake.data)

    place.main.use(check)
    place.main.on_connect(welcome)
    async with place.raw() as socket:
        await socket.recv()
        await socket.send('40{"token":"bad"}')
        assert await socket.recv() == '44{"message":"Not you.","data":{"code":5}}'
        await socket.send('40{"token":"good"}')
        assert str(await socket.recv()).startswith("40")
        assert await socket.recv() == '42["hello","known"]'
    assert seen[0] == ({"token": "bad"}, "4", f"127.0.0.1:{place.port}", "127.0.0.1")


async def test_namespaces_are_apart(start: Any) -> None:
    place = await start()
    place.server.of("/admin").on("echo", _echo)
    async with place.client() as client:
        await client.send("40/nobody,{}")
        assert await client.recv() == '44/nobody,{"message":"Invalid namespace"}'
        await client.connect("/admin")
        await client.send('42/admin,1["echo",5]')
        assert await client.recv() == "43/admin,1[5]"
        (socket,) = place.server.of("/admin").sockets.values()
        socket.disconnect()
        assert await client.recv() == "41/admin,"
        assert not place.server.of("/admin").sockets and place.main.sockets
        await client.send('42/admin,2["echo",5]', "41")
        await until_gone(place, "client namespace disconnect")


async def until_gone(place: Any, reason: str, number: int = 1) -> None:
    """Wait until sockets have gone for this reason."""
    async with asyncio.timeout(5):
        while [why for _sid, why in place.gone].count(reason) < number:
            await asyncio.sleep(0.01)


async def test_the_reasons_of_disconnections(start: Any) -> None:
    place = await start()
    async with place.client() as client:
        next(iter(place.main.sockets.values())).disconnect()
        assert await client.recv() == "41"
        await until_gone(place, "server namespace disconnect")
    async with place.client() as client:
        next(iter(place.main.sockets.values())).disconnect(close=True)
        assert await client.recv() == "41"
        with pytest.raises(ConnectionClosed):
            await client.recv()
        await until_gone(place, "server namespace disconnect", 2)
    async with place.client() as client:
        await client.send("1")
        with pytest.raises(ConnectionClosed):
            await client.recv()
        await until_gone(place, "transport close")
    async with place.client() as client:
        client.socket.transport.abort()
        await until_gone(place, "transport close", 2)
    async with place.client() as client:
        await client.send("4nonsense")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1002
        await until_gone(place, "parse error")
    async with place.client() as client:
        await place.server.close()
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
        await until_gone(place, "server shutting down")
    assert not place.server.sessions and not place.server.links and not place.main.rooms
    with pytest.raises(InvalidStatus):
        async with place.raw():
            pass


async def test_what_a_client_sent_before_it_left_is_handled(start: Any) -> None:
    place = await start()
    handled: list[Any] = []

    async def slow(_socket: Any, number: int) -> None:
        await asyncio.sleep(0.01)
        handled.append(number)

    async def gone(_socket: Any, _reason: str) -> None:
        handled.append("gone")

    place.main.on("slow", slow)
    place.main.on_disconnect(gone)
    async with place.client() as client:
        await client.send('42["slow",1]', '42["slow",2]', '42["slow",3]')
    await until_gone(place, "transport close")
    assert handled == [1, 2, 3, "gone"]


async def test_heartbeats(start: Any) -> None:
    place = await start(ping_interval=0.2, ping_timeout=0.2)
    async with place.client() as client:
        for _ in range(3):
            assert await client.recv() == "2"
            await client.send("3")
        assert await client.recv() == "2"
        with pytest.raises(ConnectionClosed):
            await client.recv()
    await until_gone(place, "ping timeout")


async def test_a_session_without_a_namespace_is_let_go(start: Any) -> None:
    place = await start(connect_timeout=0.2)
    async with place.raw() as socket:
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
    assert not place.server.sessions


async def test_limits_of_sessions(start: Any) -> None:
    place = await start(max_connections=2, max_unconnected=1)
    async with place.client():
        async with place.raw():
            with pytest.raises(InvalidStatus) as refused:
                async with place.raw():
                    pass
            assert refused.value.response.status_code == 503
        assert (await place.get()).status_code == 200
        assert (await place.get()).status_code == 503
    place = await start(max_connections_per_address=1)
    async with place.client():
        assert (await place.get()).status_code == 429
    await asyncio.sleep(0.05)
    assert (await place.get()).status_code == 200


async def test_large_and_malformed_events_can_be_answered(start: Any) -> None:
    place = await start(max_payload=1000, max_frame=4000)

    async def invalid(_socket: Any, problem: str) -> str:
        if len(heard) == 3:
            raise PacketError("enough")
        heard.append(problem)
        return problem

    heard: list[str] = []
    place.main.on_invalid(invalid)
    async with place.client() as client:
        await client.send('421["x","' + "y" * 2000 + '"]')
        assert await client.recv() == '431["too large"]'
        await client.send('422{"x":1}', '451-3["x",{"_placeholder":true,"num":0}]', b"z" * 3000)
        assert [await client.recv(), await client.recv()] == ['432["malformed"]', '433["too large"]']
        await client.send("424[}")
        with pytest.raises(ConnectionClosed):
            await client.recv()
    async with place.client() as client:
        await client.send('421["x","' + "y" * 5000 + '"]')
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009


async def test_foreign_origins_are_refused_on_both_transports(start: Any) -> None:
    place = await start()
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            async with place.raw(origin=origin):
                pass
        assert refused.value.response.status_code == 403
        answer = await place.get(headers={"origin": origin})
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    own = f"http://127.0.0.1:{place.port}"
    async with place.raw(origin=own):
        pass
    assert (await place.get(headers={"origin": own})).headers["access-control-allow-origin"] == own
    place = await start(allow_origin=lambda origin, _host: origin == "https://good.example")
    asked = {"origin": "https://good.example", "access-control-request-headers": "x-y"}
    answer = await place.http.options(place.url + "&transport=polling", headers=asked)
    assert answer.status_code == 204 and answer.headers["access-control-allow-headers"] == "x-y"
    assert "access-control-allow-credentials" not in answer.headers


async def test_what_is_no_websocket_of_ours_is_refused(start: Any) -> None:
    place = await start()
    for url, status in (("/elsewhere?EIO=4&transport=websocket", 404), ("/socket.io/?EIO=3&transport=websocket", 400)):
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        writer.write(
            f"GET {url} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n".encode()
        )
        assert int((await reader.readline()).split()[1]) == status
        writer.close()
