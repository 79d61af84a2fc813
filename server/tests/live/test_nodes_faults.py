"""What must not break rooms on several nodes: lost links, slow databases, halted Redis, floods, leaders cut off."""

import asyncio
import collections
import contextlib
import json
import time
from typing import Any

import pytest
import websockets
from redis.asyncio import Redis
from redis_server import RedisServer
from rostrum.kit import forwarding
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.live.models import LiveSession
from rostrum.rooms.keeper import RoomChange
from several_nodes import come_back, dropped, meeting, unfinished, until


def _names(node: Any, room_id: str) -> list[str]:
    return [peer.name for peer in node.services.live.rooms[room_id].peers.values()]


async def test_a_join_that_is_repeated_after_a_lost_link_leaves_nobody_behind(
    nodes: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, _people = await meeting(nodes)
    durable = nodes[0].services.rooms
    admit, gate, calls = durable.admit, asyncio.Event(), []

    async def slow(*args: Any, **facts: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            await gate.wait()
        return await admit(*args, **facts)

    monkeypatch.setattr(durable, "admit", slow)
    eve = await nodes[1].client()
    joining = asyncio.create_task(eve.call("join", {"room_id": room_id, "name": "Eve"}))
    await until(lambda: calls)
    links = nodes[1].services.realtime._relay._links
    for link in list(links._links.values()):
        links.give_up(link)
    asyncio.get_running_loop().call_later(0.6, gate.set)
    assert "error" not in await joining
    await asyncio.sleep(1)
    await eve.ok("exitRoom")
    await until(lambda: "Eve" not in _names(nodes[0], room_id), 8)


async def test_a_join_that_took_too_long_is_undone(nodes: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "CALL_SECONDS", 7.0)
    room_id, (ada, _bob) = await meeting(nodes)
    durable = nodes[0].services.rooms
    admit = durable.admit

    async def slow(principal: Any, room: str, **facts: Any) -> Any:
        if room == room_id:
            await asyncio.sleep(9)
        return await admit(principal, room, **facts)

    monkeypatch.setattr(durable, "admit", slow)
    token = await nodes[1].user("eve")
    other = await nodes[1].room(token)
    eve = await nodes[1].client(token)
    answer = await eve.call("join", {"room_id": room_id, "name": "Eve"}, timeout=30)
    assert answer["code"] == "node_unreachable"
    await eve.join(other, "Eve")
    await asyncio.sleep(3)
    await ada.ok("sendMessage", {"message": "not for Eve"})
    await asyncio.sleep(0.3)
    assert "message" not in eve.names() and "Eve" not in _names(nodes[0], room_id)


async def test_a_room_whose_lease_is_lost_while_it_opens_does_not_open(
    nodes: list[Any], monkeypatch: pytest.MonkeyPatch, redis: RedisServer
) -> None:
    token = await nodes[0].user("ada")
    room_id = await nodes[0].room(token)
    one, two = (node.services for node in nodes)
    interruptions = one.live.open_rooms.interruptions
    take = interruptions.take

    async def slow(wanted: str) -> Any:
        found = await take(wanted)
        await asyncio.sleep(2.5)
        return found

    monkeypatch.setattr(interruptions, "take", slow)
    ada = await nodes[0].client(token)
    joining = asyncio.create_task(ada.call("join", {"room_id": room_id, "name": "Ada"}))
    await until(lambda: one.cluster.leads(room_id))
    async with Redis.from_url(redis.url, decode_responses=True) as look:
        await look.set(f"rostrum:leads:{room_id}", two.cluster.node)
        await look.delete(f"rostrum:node:{one.cluster.node}")
    await joining
    await (await nodes[1].client()).join(room_id, "Bob")
    assert room_id not in one.live.rooms and room_id in two.live.rooms


async def test_a_leader_that_alone_is_cut_off_ends_nothing_that_another_goes_on_with(
    nodes: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    one = nodes[0].services
    await one.live.recorder.flush()

    async def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    for client in (one.cluster._leases._redis, one.bus._redis):
        pool = client.connection_pool
        for connection in [*pool._available_connections, *pool._in_use_connections]:
            await connection.disconnect()
        monkeypatch.setattr(pool, "get_connection", refuse)
    await dropped(bob, seconds=15)
    again = await come_back(bob, room_id)
    # The old leader still believes that it leads; what it decides does not count, and soon it notices.
    with contextlib.suppress(Exception):
        assert (await ada.call("room:lock", {"locked": True}))["code"] == "node_unreachable"
        assert (await ada.call("room:end"))["code"] == "node_unreachable"
    await dropped(ada)
    assert not one.live.rooms
    assert again["room"]["sessionId"] == ada.joined["room"]["sessionId"]
    assert not (await bob.ok("getMyRoomInfo"))["room"]["locked"]
    assert await unfinished(nodes[1], room_id) == [again["room"]["sessionId"]]


async def test_an_ended_session_is_not_gone_on_with_though_its_end_has_to_wait(
    nodes: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    recorder = nodes[0].services.live.recorder
    await recorder.flush()
    db = recorder._db
    session = type(db).session

    @contextlib.asynccontextmanager
    async def away() -> Any:
        raise DatabaseUnavailable(retry_after=1)
        yield

    monkeypatch.setattr(type(db), "session", lambda self: away() if self is db else session(self))
    await ada.ok("room:end")
    await bob.hear("roomClosed")
    await asyncio.sleep(0.3)
    monkeypatch.undo()
    again = await bob.join(room_id, "Bob")
    assert again["room"]["sessionId"] != ada.joined["room"]["sessionId"]
    await asyncio.sleep(2)
    node = next(node for node in nodes if room_id in node.services.live.rooms)
    assert await unfinished(node, room_id) == [again["room"]["sessionId"]]


async def test_a_session_that_could_not_be_settled_is_the_next_time(
    make_node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await make_node(peer_grace_seconds=0.2)
    lone = await node.room(await node.user("ada"))
    tenant = (await node.services.tenants.default()).id
    async with node.services.db.session() as session:
        session.add(LiveSession(id="f" * 24, tenant_id=tenant, room_id=lone, started_at=1))
    interruptions = node.services.live.open_rooms.interruptions

    async def fail(*_: Any) -> None:
        raise DatabaseUnavailable(retry_after=1)

    with monkeypatch.context() as patch:
        patch.setattr(interruptions, "_end", fail)
        await interruptions.settle()
        with pytest.raises(DatabaseUnavailable):
            await interruptions.settle()
    for _ in range(2):
        await interruptions.settle()
    assert await unfinished(node, lone) == [] and not node.services.cluster._rooms


async def test_a_slow_database_ends_no_link(nodes: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    rooms = nodes[0].services.rooms

    async def slow(_room: str) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(rooms, "current", slow)
    away = nodes[1].services
    host = await away.auth.authenticate_socket(await nodes[1].key(), ada.auth["token"])
    await away.keeper.change(host, room_id, RoomChange(name="x"))
    await asyncio.sleep(5.5)
    assert bob.socket.connected
    await bob.ok("sendMessage", {"message": "still here"})


async def test_a_drain_lets_sockets_go_though_redis_has_halted(nodes: list[Any], redis: RedisServer) -> None:
    _room, (ada, _bob) = await meeting(nodes)
    redis.halt()
    try:
        async with asyncio.timeout(2):
            await nodes[0].services.drain()
        await dropped(ada, seconds=1)
    finally:
        redis.go_on()


async def test_a_drained_node_ends_no_session_whatever_its_grace(make_node: Any) -> None:
    nodes = [await make_node(peer_grace_seconds=0.2) for _ in range(2)]
    token = await nodes[0].user("ada")
    room_id = await nodes[0].room(token)
    ada = await nodes[0].client(token)
    await ada.join(room_id, "Ada")
    await nodes[0].services.live.recorder.flush()
    await nodes[0].services.drain()
    await dropped(ada)
    ada.url = nodes[1].url
    again = await come_back(ada, room_id)
    assert again["room"]["sessionId"] == ada.joined["room"]["sessionId"]
    await asyncio.sleep(1)
    assert await unfinished(nodes[1], room_id) == [again["room"]["sessionId"]]


async def test_a_presence_without_media_leaves_the_peer_where_it_is(nodes: list[Any]) -> None:
    room_id, _people = await meeting(nodes)
    token = await nodes[1].user("eve")
    there, here = await nodes[1].room(token), await nodes[0].room(token)
    await (await nodes[1].client(token)).join(there, "Eve")
    near = await nodes[0].client()
    await near.join(room_id, "Near")
    for other in (here, there):
        await near.ok("room.join", {"room_id": other, "user_name": "Near"})
        assert (await near.ok("getMyRoomInfo"))["room"]["id"] == room_id
    await near.close()
    await until(lambda: not nodes[1].services.live.rooms[there].attendees)


async def test_nothing_of_the_old_room_comes_after_the_answer_of_a_move(nodes: list[Any]) -> None:
    room_id, _people = await meeting(nodes)
    token = await nodes[1].user("eve")
    other = await nodes[1].room(token)
    live = nodes[0].services.live
    talking = True

    async def talk() -> None:
        while talking:
            live.notifier.room(live.rooms[room_id], "tick", 1)
            await asyncio.sleep(0.0005)

    heard: list[str] = []
    url = nodes[1].url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    async with websockets.connect(url) as raw:
        await raw.send("40" + json.dumps({"apiKey": await nodes[1].key()}))
        await raw.send('420["join",' + json.dumps({"room_id": room_id, "name": "Raw"}) + "]")
        while not str(await raw.recv()).startswith("430["):
            pass
        task = asyncio.create_task(talk())
        await asyncio.sleep(0.2)
        await raw.send('421["join",' + json.dumps({"room_id": other, "name": "Raw"}) + "]")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                while True:
                    heard.append(str(await raw.recv())[:9])
        talking = False
        await task
    after = heard[next(place for place, text in enumerate(heard) if text.startswith("431[")) :]
    assert '42["tick"' in heard and '42["tick"' not in after


async def test_a_flood_of_large_events_ends_no_link(nodes: list[Any]) -> None:
    """Redis would cut a node off for which too much waits, and with it everybody who is connected elsewhere."""
    room_id, (_ada, bob) = await meeting(nodes)
    url = nodes[1].url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    key = await nodes[1].key()
    codes: collections.Counter[str] = collections.Counter()

    async def flood(size: int) -> None:
        body = json.dumps({"room_id": room_id, "name": "R", "x": "x" * size, "resume": "y" * 200})
        async with websockets.connect(url, max_size=None) as raw:
            await raw.send("40" + json.dumps({"apiKey": key}))
            for number in range(4):
                await raw.send(f'42{number}["join",{body}]')
            left = 4
            while left:
                text = str(await raw.recv())
                if text.startswith("43"):
                    left -= 1
                    codes[json.loads(text[text.index("[") :])[0]["code"]] += 1

    began = time.monotonic()
    await asyncio.gather(*(flood(200_000 if number % 2 else 1_000_000) for number in range(60)))
    assert codes == {"invalid_input": 120, "payload_too_large": 120}, (codes, time.monotonic() - began)
    await bob.ok("sendMessage", {"message": "undisturbed"})
    assert bob.socket.connected
