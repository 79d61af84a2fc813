"""Several nodes that share a database and a Redis: one leads a room, and its people may be connected to any."""

import asyncio
import contextlib
import json
import time
from typing import Any

import httpx
import websockets
from redis.asyncio import Redis
from redis_server import RedisServer
from rostrum.live import store
from rostrum.rooms.keeper import RoomChange
from several_nodes import come_back, dropped, meeting, unfinished, until

AWAY_SECONDS = 15


async def _status(node: Any, path: str) -> tuple[int, str]:
    async with httpx.AsyncClient(base_url=node.url) as client:
        answer = await client.get(path)
        return answer.status_code, answer.text


def _vanish(node: Any) -> None:
    """Cut a node off from the others for good, as its death would."""
    node.services.cluster._beating.cancel()
    for task in node.services.bus._tasks:
        task.cancel()


async def test_one_room_on_two_nodes(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    assert list(nodes[0].services.live.rooms) == [room_id] and not nodes[1].services.live.rooms
    assert (await ada.hear("peerJoined"))["name"] == "Bob"
    assert [peer["name"] for peer in bob.joined["peers"]] == ["Ada"]
    assert bob.joined["room"]["sessionId"] == ada.joined["room"]["sessionId"]
    # Media: the host's camera comes to the viewer of the other node from the leader's worker.
    producer = await ada.publish()
    assert [made["producer_id"] for made in await bob.hear_list("newProducers")] == [producer]
    consumer = await bob.watch(producer)
    assert await bob.ok("resume", {"consumer_id": consumer["id"]}) == {"resumed": [consumer["id"]]}
    assert await bob.code("produce", {"producerTransportId": "x", "kind": "video", "rtpParameters": {}}) == "forbidden"
    # The stage: the viewer is called up, sends, and is let go again.
    request = (await bob.ok("cohost:request"))["requestId"]
    assert (await ada.hear("cohost:request", requestId=request))["name"] == "Bob"
    await ada.ok("cohost:respond", {"requestId": request, "accepted": True})
    assert (await bob.hear("cohost:response"))["role"] == "cohost"
    voice = await bob.publish("mic")
    assert [made["producer_id"] for made in await ada.hear_list("newProducers")] == [voice]
    await ada.ok("cohost:remove", {"peer_id": bob.joined["id"]})
    assert (await ada.hear("producerClosed"))["producer_id"] == voice
    await bob.ok("reaction", {"kind": "clap"})
    assert (await ada.hear("reactions"))["counts"] == {"clap": 1}
    await bob.ok("exitRoom")
    assert (await ada.hear("peerLeft"))["name"] == "Bob"
    assert await bob.code("getMyRoomInfo") == "not_in_room"


async def test_chat_reaches_both_nodes_once_and_in_order(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    for number in range(10):
        await (ada, bob)[number % 2].ok("sendMessage", {"message": str(number), "clientId": str(number)})
    await ada.ok("sendMessage", {"message": "0", "clientId": "0"})
    last = await bob.ok("sendMessage", {"message": "last"})
    await ada.hear("sendMessage", id=last["id"])
    for client, first in ((ada, 1), (bob, 0)):
        heard = [body["message"] for name, body in client.heard if name == "message" and body["message"] != "last"]
        assert heard == [str(number) for number in range(first, 10, 2)]
    for node in nodes:
        late = await node.client()
        history = (await late.join(room_id))["chatHistory"]
        assert [body["message"] for body in history] == [*map(str, range(10)), "last"]


async def test_an_acknowledgement_comes_before_what_follows_it(nodes: list[Any]) -> None:
    room_id, _clients = await meeting(nodes)
    realtime = nodes[0].services.realtime

    async def answer_and_tell(connection: Any, number: int) -> int:
        asyncio.get_running_loop().call_soon(lambda: realtime.emit("told", number, to=connection.id))
        return number

    for node in nodes:
        node.services.realtime.on("test:tell", answer_and_tell)
    url = nodes[1].url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    async with websockets.connect(url) as raw:
        await raw.send("40" + json.dumps({"apiKey": await nodes[1].key()}))
        await raw.send('420["join",' + json.dumps({"room_id": room_id, "name": "Raw"}) + "]")
        while not (await raw.recv()).startswith("430["):
            pass
        for number in range(1, 31):
            await raw.send(f'42{number}["test:tell",{number}]')
        heard: list[str] = []
        async with asyncio.timeout(5):
            while len(heard) < 60:
                text = str(await raw.recv())
                if text.startswith(("43", '42["told"')):
                    heard.append(text)
    for number in range(1, 31):
        assert heard.index(f"43{number}[{number}]") < heard.index(f'42["told",{number}]')


async def test_a_message_to_a_room_goes_once_to_each_node(nodes: list[Any]) -> None:
    """As the frames that its members there get, whatever their number."""
    room_id, (ada, bob) = await meeting(nodes)
    for _ in range(3):
        await (await nodes[1].client()).join(room_id, "More")
    sent: list[bytes] = []
    bus = nodes[0].services.bus
    publish = bus.publish

    def count(topic: str, message: bytes, **facts: Any) -> None:
        sent.append(message)
        publish(topic, message, **facts)

    bus.publish = count
    await ada.ok("sendMessage", {"message": "x" * 1000})
    await bob.hear("sendMessage")
    (frames,) = [message for message in sent if b"x" * 1000 in message]
    assert frames.count(b'42["message",') == frames.count(b'42["sendMessage",') == 1


async def test_who_moves_to_a_room_of_another_node_leaves_the_first(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    eve = await nodes[1].user("eve")
    other = await nodes[1].room(eve)
    host = await nodes[1].client(eve)
    await host.join(other, "Eve")
    assert list(nodes[1].services.live.rooms) == [other]
    await bob.join(other, "Bob")
    assert (await ada.hear("peerLeft"))["name"] == "Bob"
    assert (await host.hear("peerJoined"))["name"] == "Bob"
    await ada.ok("sendMessage", {"message": "not for Bob"})
    assert (await host.ok("sendMessage", {"message": "for Bob"}))["id"]
    assert (await bob.hear("message"))["message"] == "for Bob"
    # And back again, from a room of his own node to one of the other.
    await bob.join(room_id, "Bob")
    assert (await host.hear("peerLeft"))["name"] == "Bob"
    await ada.hear("peerJoined")
    # A refusal changes nothing.
    await host.ok("room:lock", {"locked": True})
    assert await bob.code("join", {"room_id": other, "name": "Bob"}) == "room_locked"
    await bob.ok("getMyRoomInfo")
    assert "peerLeft" not in ada.names()


async def test_a_drop_on_one_node_is_taken_over_on_the_other(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    await bob.drop()
    bob.url = nodes[0].url
    back = await come_back(bob, room_id)
    assert back["resumed"] and back["id"] == bob.joined["id"] and "peerLeft" not in ada.names()
    # The old socket of a peer that is taken over while it seems to live is told so, wherever it is.
    again = await nodes[1].client()
    taken = await again.join(room_id, "Bob", resume=back["resume"])
    assert taken["id"] == back["id"]
    await bob.hear("peerReplaced")
    third = await nodes[0].client()
    assert (await third.join(room_id, "Bob", resume=back["resume"]))["id"] == back["id"]
    await again.hear("peerReplaced")
    await dropped(again, bob)


async def test_a_room_that_nobody_got_into_is_led_by_nobody(nodes: list[Any], redis: RedisServer) -> None:
    lost = await nodes[1].client()
    assert await lost.code("join", {"room_id": "0" * 24, "name": "X"}) == "room_not_found"
    room_id, (ada, bob) = await meeting(nodes)
    async with Redis.from_url(redis.url, decode_responses=True) as look:
        assert await look.keys("rostrum:leads:*") == [f"rostrum:leads:{room_id}"]
        await ada.ok("room:end")
        assert (await bob.hear("roomClosed"))["reason"] == "ended"
        async with asyncio.timeout(5):
            while await look.keys("rostrum:leads:*"):
                await asyncio.sleep(0.05)
    # The next session of the room may be led by the other node, and is another one.
    assert (await bob.join(room_id, "Bob"))["room"]["sessionId"] != ada.joined["room"]["sessionId"]
    assert list(nodes[1].services.live.rooms) == [room_id]


async def test_a_leader_that_stops_hands_its_rooms_over(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    said = await ada.ok("sendMessage", {"message": "before"})
    await ada.ok("room:lock", {"locked": True})
    began = time.monotonic()
    await nodes[0].services.drain()
    await dropped(ada, bob)
    ada.url = nodes[1].url
    back = await come_back(ada, room_id)
    assert time.monotonic() - began < 3
    assert (
        back["role"] == "host"
        and back["room"]["locked"]
        and [body["id"] for body in back["chatHistory"]] == [said["id"]]
    )
    assert back["room"]["sessionId"] == bob.joined["room"]["sessionId"]
    assert list(nodes[1].services.live.rooms) == [room_id]


async def test_a_leader_that_dies_is_followed_by_another(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    said = await ada.ok("sendMessage", {"message": "before"})
    _vanish(nodes[0])
    began = time.monotonic()
    await dropped(bob)
    assert time.monotonic() - began < 6
    back = await come_back(bob, room_id)
    assert time.monotonic() - began < 10
    assert back["room"]["sessionId"] == bob.joined["room"]["sessionId"]
    assert [body["id"] for body in back["chatHistory"]] == [said["id"]]
    assert await unfinished(nodes[1], room_id) == [back["room"]["sessionId"]]
    answer = await bob.ok("sendMessage", {"message": "after"})
    assert answer["id"]


async def test_a_leader_that_was_taken_for_dead_gives_way(nodes: list[Any], redis: RedisServer) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    # As after a long halt of the process: its lease has run out, and somebody else has the room.
    async with Redis.from_url(redis.url, decode_responses=True) as look:
        await look.set(f"rostrum:leads:{room_id}", nodes[1].services.cluster.node)
        await look.delete(f"rostrum:node:{nodes[0].services.cluster.node}")
    await dropped(ada, bob)
    assert not nodes[0].services.live.rooms
    back = await come_back(bob, room_id)
    assert back["room"]["sessionId"] == bob.joined["room"]["sessionId"]
    assert list(nodes[1].services.live.rooms) == [room_id]
    # Ada, still at the old leader's, is brought to the new one.
    assert (await come_back(ada, room_id))["role"] == "host"
    assert (await bob.hear("peerJoined"))["name"] == "Back"
    assert not nodes[0].services.live.rooms


async def test_a_starting_node_leaves_the_others_sessions_alone(make_node: Any) -> None:
    first = await make_node(peer_grace_seconds=0.2)
    token = await first.user("ada")
    room_id = await first.room(token)
    ada = await first.client(token)
    await ada.join(room_id, "Ada")
    lone = await first.room(token)
    await first.services.live.recorder.flush()
    second = await make_node(peer_grace_seconds=0.2)
    # A session that a node has left behind when it died: nobody leads its room.
    async with second.services.db.session() as session:
        (row,) = await store.unfinished(session)
        session.add(type(row)(id="f" * 24, tenant_id=row.tenant_id, room_id=lone, started_at=1))
    for _ in range(2):
        await second.services.live.open_rooms.interruptions.settle()
    assert await unfinished(second, room_id) == [ada.joined["room"]["sessionId"]]
    assert await unfinished(second, lone) == []
    assert second.services.cluster._rooms == set()


async def test_rest_on_one_node_reaches_the_room_on_the_other(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    away = nodes[1].services
    host = await away.auth.authenticate_socket(await nodes[1].key(), ada.auth["token"])
    assert await away.rooms.live_among([room_id, "0" * 24]) == {room_id}
    await away.keeper.change(host, room_id, RoomChange(name="Renamed"))
    await until(lambda: nodes[0].services.live.rooms[room_id].info.name == "Renamed")
    eve_token = await nodes[1].user("eve")
    eve = await nodes[1].client(eve_token)
    await eve.join(room_id, "Eve")
    eve_id = away.tokens.verify(eve_token).subject
    await away.keeper.add_cohost(host, room_id, eve_id)
    assert (await bob.hear("roleChanged"))["role"] == "cohost"
    await away.keeper.remove_cohost(host, room_id, eve_id)
    await bob.hear("roleChanged", role="viewer")
    # Who was sent out of the room may not read its chat at any node.
    await ada.ok("peer:remove", {"peer_id": eve.joined["id"]})
    assert (await eve.hear("roomClosed"))["reason"] == "removed"
    headers = {"x-api-key": await nodes[1].key(), "authorization": f"Bearer {eve_token}"}
    async with httpx.AsyncClient(base_url=nodes[1].url, headers=headers) as client:
        assert (await client.get(f"/v1/rooms/{room_id}/messages")).json()["code"] == "removed_from_room"
        # A logout closes sockets on all nodes, at once.
        near = await nodes[0].client(eve_token)
        assert (await client.post("/v1/auth/logout")).status_code in (200, 204)
        await dropped(near, eve, seconds=3)
    await away.keeper.delete(host, room_id)
    for client in (ada, bob):
        assert (await client.hear("roomClosed"))["reason"] == "ended"


async def test_hints_that_were_missed_are_made_up_for(nodes: list[Any], redis: RedisServer) -> None:
    room_id, (ada, _bob) = await meeting(nodes)
    eve_token = await nodes[0].user("eve")
    eve = await nodes[0].client(eve_token)
    await eve.join(room_id, "Eve")
    away = nodes[1].services
    host = await away.auth.authenticate_socket(await nodes[1].key(), ada.auth["token"])
    other = await nodes[0].client(eve_token)
    redis.kill()
    await until(lambda: all(node.services.bus.problem() for node in nodes))
    await away.keeper.delete(host, room_id)
    claims = away.tokens.verify(eve_token)
    await away.account.logout(await away.auth.authenticate_socket(await nodes[1].key(), eve_token))
    assert claims.subject and "roomClosed" not in ada.names()
    redis.start()
    assert (await ada.hear("roomClosed"))["reason"] == "ended"
    await dropped(eve, other)


async def test_redis_goes_away_and_comesback(nodes: list[Any], redis: RedisServer) -> None:
    room_id, (ada, bob) = await meeting(nodes)
    producer = await ada.publish()
    seen = await bob.watch(producer)
    assert [(await _status(node, "/readyz"))[0] for node in nodes] == [200, 200]
    redis.kill()
    gone = time.monotonic()
    said = await ada.ok("sendMessage", {"message": "You do not hear this yet."})
    async with asyncio.timeout(5):
        while (await _status(nodes[0], "/readyz"))[0] != 503:
            await asyncio.sleep(0.1)
    assert "Redis does not answer" in (await _status(nodes[0], "/readyz"))[1]
    assert [(await _status(node, "/healthz"))[0] for node in nodes] == [200, 200]
    # Media, joining, chat and limits at the leader know nothing of Redis; who is elsewhere gets a clear error.
    near = await nodes[0].client()
    await near.join(room_id)
    await near.watch(producer)
    here = await near.ok("sendMessage", {"message": "And I am here."})
    assert (await ada.hear("message"))["id"] == here["id"]
    assert await bob.code("sendMessage", {"message": "Hello?"}) == "node_unreachable"
    stranger = await nodes[1].client()
    assert await stranger.code("join", {"room_id": room_id, "name": "Late"}) == "node_unreachable"
    await asyncio.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - gone)))
    assert bob.socket.connected and not {"message", "consumerClosed"} & {*bob.names(), *near.names()}
    redis.start()
    back = time.monotonic()
    await dropped(bob)
    again = await come_back(bob, room_id)
    assert again["resumed"] and again["id"] == bob.joined["id"]
    assert [body["id"] for body in again["chatHistory"]] == [said["id"], here["id"]]
    # Its media never stopped: the consumer is the one of before.
    assert await bob.ok("resume", {"consumer_id": seen["id"]}) == {"resumed": [seen["id"]]}
    answer = await bob.ok("sendMessage", {"message": "Now I do."})
    await ada.hear("message", id=answer["id"])
    assert time.monotonic() - back < 3
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(3):
            while [(await _status(node, "/readyz"))[0] for node in nodes] != [200, 200]:
                await asyncio.sleep(0.1)
    assert [(await _status(node, "/readyz"))[0] for node in nodes] == [200, 200]
    assert nodes[0].services.live.rooms[room_id].session_id == ada.joined["room"]["sessionId"]
