"""Long-polling, and the upgrade from it."""

import asyncio
import base64
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def _echo(_socket: Any, *args: Any) -> Any:
    return args


async def test_events_by_polling(start: Any) -> None:
    place = await start()
    place.main.on("echo", _echo)
    sid = await place.polling()
    part = "b" + base64.b64encode(b"bytes").decode()
    body = f'421["echo",1]\x1e451-2["echo",{{"_placeholder":true,"num":0}}]\x1e{part}'
    assert (await place.post(sid, body)).text == "ok"
    got = ""
    while got.count("\x1e") < 2:
        got += ("\x1e" if got else "") + (await place.get(sid)).text
    assert got.split("\x1e") == ["431[1]", '461-2[{"_placeholder":true,"num":0}]', part]


async def test_a_get_waits_for_news(start: Any) -> None:
    place = await start()
    sid = await place.polling()
    poll = asyncio.ensure_future(place.get(sid))
    await asyncio.sleep(0.05)
    assert not poll.done()
    place.main.emit("news", 1)
    assert (await poll).text == '42["news",1]'
    assert (await poll).headers["cache-control"] == "no-store"


async def test_what_a_request_must_be(start: Any) -> None:
    place = await start()
    base = f"http://127.0.0.1:{place.port}/socket.io/"
    for query, code in (
        ("?EIO=4", 0),
        ("?EIO=4&transport=x", 0),
        ("?transport=polling", 5),
        ("?EIO=3&transport=polling", 5),
    ):
        answer = await place.http.get(base + query)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (await place.get("unknown")).json() == {"code": 1, "message": "Session ID unknown"}
    assert (await place.http.post(base + "?EIO=4&transport=polling")).json()["code"] == 2
    sid = await place.polling()
    assert (await place.http.put(base + f"?EIO=4&transport=polling&sid={sid}")).status_code == 400


async def test_two_gets_at_once_end_the_session(start: Any) -> None:
    place = await start()
    sid = await place.polling()
    first = asyncio.ensure_future(place.get(sid))
    await asyncio.sleep(0.05)
    assert (await place.get(sid)).status_code == 400
    assert (await first).text == "1"
    assert (await place.get(sid)).status_code == 400
    assert place.gone[0][1] == "transport error"


@pytest.mark.parametrize(
    "body", [b"", b"abc", b"4", b"bnot base64!", b"\xff\xfe", b"9\x1e3", b"b" + base64.b64encode(b"x")]
)
async def test_malformed_bodies_end_the_session(start: Any, body: bytes) -> None:
    place = await start()
    sid = await place.polling()
    assert (await place.post(sid, body)).status_code == 400
    assert place.gone[0][1] == "parse error"
    assert (await place.get(sid)).status_code == 400


async def test_bodies_are_bounded(start: Any) -> None:
    place = await start(max_payload=1000)
    assert (await place.post(await place.polling(), b"4" * 1001)).status_code == 413

    async def chunks() -> Any:
        for _ in range(20):
            yield b"4" * 100

    assert (await place.post(await place.polling(), chunks())).status_code == 413
    assert not place.server.sessions


async def test_a_client_that_hangs_up_has_gone(start: Any) -> None:
    place = await start()
    sid = await place.polling()
    poll = asyncio.ensure_future(place.get(sid))
    await asyncio.sleep(0.05)
    poll.cancel()
    async with asyncio.timeout(5):
        while not place.gone:
            await asyncio.sleep(0.01)
    assert place.gone[0][1] == "transport error" and not place.server.sessions


async def test_the_good_bye_waits_for_the_next_get(start: Any) -> None:
    place = await start()
    sid = await place.polling()
    (socket,) = place.main.sockets.values()
    socket.emit("last")
    socket.disconnect(close=True)
    assert (await place.get(sid)).text == '42["last"]\x1e41\x1e1'
    assert (await place.get(sid)).status_code == 400
    assert not place.server.polls


async def test_a_close_packet_ends_the_session(start: Any) -> None:
    place = await start()
    sid = await place.polling()
    poll = asyncio.ensure_future(place.get(sid))
    await asyncio.sleep(0.05)
    assert (await place.post(sid, "1")).text == "ok"
    assert (await poll).status_code == 200
    assert place.gone[0][1] == "transport close"


async def test_heartbeats(start: Any) -> None:
    place = await start(ping_interval=0.2, ping_timeout=0.2)
    sid = await place.polling()
    for _ in range(3):
        assert (await place.get(sid)).text == "2"
        assert (await place.post(sid, "3")).text == "ok"
    assert (await place.get(sid)).text == "2"
    assert (await place.get(sid)).text == "1"
    assert place.gone[0][1] == "ping timeout"


@pytest.mark.parametrize("raw", [True, False])
async def test_the_upgrade_loses_and_doubles_nothing(start: Any, raw: bool) -> None:
    place = await start(raw=raw)
    place.main.on("echo", _echo)
    sid = await place.polling()
    (socket,) = place.main.sockets.values()
    poll = asyncio.ensure_future(place.get(sid))
    await asyncio.sleep(0.05)
    async with place.raw(query=f"&sid={sid}") as upgraded:
        await upgraded.send("2probe")
        assert await upgraded.recv() == "3probe"
        assert (await poll).text == "6"
        socket.emit("one")
        assert (await place.get(sid)).text == '42["one"]'
        socket.emit("two")
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            async with place.raw(query=f"&sid={sid}") as second:
                await second.recv()
        await upgraded.send("5")
        assert await upgraded.recv() == '42["two"]'
        assert (await place.get(sid)).status_code == 400
        await upgraded.send('421["echo",5]')
        assert await upgraded.recv() == "431[5]"
    async with asyncio.timeout(5):
        while not place.gone:
            await asyncio.sleep(0.01)
    assert place.gone[0][1] == "transport close"


async def test_a_probe_that_fails_leaves_the_session_as_it_was(start: Any) -> None:
    place = await start(upgrade_timeout=0.2)
    sid = await place.polling()
    async with place.raw(query=f"&sid={sid}") as probe:
        await probe.send("2probe")
        assert await probe.recv() == "3probe"
    async with place.raw(query=f"&sid={sid}") as probe:
        with pytest.raises(ConnectionClosed):
            await probe.recv()
    async with place.raw(query=f"&sid={sid}") as probe:
        await probe.send("4nonsense")
        with pytest.raises(ConnectionClosed):
            await probe.recv()
    place.main.emit("still here")
    await asyncio.sleep(0.05)
    assert (await place.get(sid)).text == '42["still here"]'
    with pytest.raises(InvalidStatus):
        async with place.raw(query="&sid=unknown"):
            pass


async def test_a_post_waits_for_handlers_that_are_behind(start: Any) -> None:
    place = await start()
    free = asyncio.Event()

    async def slow(_socket: Any) -> None:
        await free.wait()

    place.main.on("slow", slow)
    sid = await place.polling()
    post = asyncio.ensure_future(place.post(sid, "\x1e".join(['42["slow"]'] * 300)))
    await asyncio.sleep(0.1)
    assert not post.done()
    free.set()
    assert (await post).text == "ok"


async def test_the_handshake_tells_what_may_be_sent(start: Any) -> None:
    place = await start()
    facts = json.loads((await place.get()).text[1:])
    assert facts.pop("sid")
    assert facts == {"upgrades": ["websocket"], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 1 << 20}
