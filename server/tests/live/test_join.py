"""Opening, joining, leaving, dropping and coming back."""

import asyncio
from typing import Any

import socketio
from rostrum.live.models import LiveParticipant, LiveSession
from sqlalchemy import select


async def test_create_room_tells_whether_it_was_open(hall: Any) -> None:
    token = await hall.user("ada")
    room_id = await hall.room(token)
    client = await hall.client(token)
    assert await client.call("createRoom", {"room_id": room_id}) == {"room_id": room_id, "created": True}
    assert await client.call("createRoom", {"roomId": room_id}) == {"room_id": room_id, "created": False}


async def test_create_room_makes_a_durable_one_for_a_user_only(hall: Any) -> None:
    ada = await hall.client(await hall.user("ada"))
    assert await ada.call("createRoom", {"room_id": "123"}) == {"room_id": "123", "created": True}
    assert (await ada.join("123"))["role"] == "host"
    guest = await hall.client()
    assert await guest.code("createRoom", {"room_id": "456"}) == "room_not_found"


async def test_join_answers_as_the_contract_says(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    answer = guest.joined
    assert answer["role"] == "viewer"
    assert answer["room"]["id"] == room_id
    assert answer["room"]["name"] == "Test"
    assert answer["peers"] == [{"id": host.joined["id"], "name": "Host", "role": "host", "producers": []}]
    assert answer["chatHistory"] == []
    assert isinstance(answer["iceServers"], list) and isinstance(answer["features"], dict)
    assert answer["resumed"] is False
    assert await host.hear("peerJoined") == {"id": answer["id"], "name": "Viewer 0", "role": "viewer"}


async def test_get_my_room_info(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    producer = await host.publish()
    info = await guest.ok("getMyRoomInfo")
    assert info["id"] == guest.joined["id"] and info["room"]["id"] == room_id
    assert {peer["id"] for peer in info["peers"]} == {guest.joined["id"], host.joined["id"]}
    assert [entry["producer_id"] for entry in info["producers"]] == [producer]
    assert {"screen", "recording", "whiteboard"} <= set(info)


async def test_exit_and_exit_again(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    assert await guest.call("exitRoom") == "successfully exited room"
    left = await host.hear("peerLeft")
    assert left == {"id": guest.joined["id"], "name": "Viewer 0"}
    answer = await guest.call("exitRoom")
    assert answer["error"] == "not currently in a room"
    assert await guest.code("getMyRoomInfo") == "not_in_room"


async def test_a_socket_moves_to_another_room(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    other = await hall.room(host.auth["token"])
    await guest.join(other)
    await host.hear("peerLeft")
    assert (await guest.ok("getMyRoomInfo"))["room"]["id"] == other


async def test_joining_twice_is_joining_once(hall: Any) -> None:
    room_id, _host, (guest,) = await hall.stage()
    again = await guest.call("join", {"room_id": room_id, "name": "Viewer 0"})
    assert again["id"] == guest.joined["id"] and again["resumed"] is True


async def test_two_first_joins_meet_in_one_room(hall: Any) -> None:
    token = await hall.user("ada")
    room_id = await hall.room(token)
    clients = [await hall.client() for _ in range(8)]
    answers = await asyncio.gather(*(client.join(room_id) for client in clients))
    assert len({answer["room"]["sessionId"] for answer in answers}) == 1
    assert len((await clients[0].ok("getMyRoomInfo"))["peers"]) == 8


async def test_private_rooms_take_only_whom_they_know(hall: Any) -> None:
    owner = await hall.user("ada")
    room_id = await hall.room(owner, is_private=True)
    guest = await hall.client()
    assert await guest.code("join", {"room_id": room_id, "name": "G"}) == "room_not_found"
    eve = await hall.client(await hall.user("eve"))
    assert await eve.code("join", {"room_id": room_id, "name": "E"}) == "room_not_found"
    principal = await hall.services.auth.authenticate_socket(await hall.key(), owner)
    token, _url = await hall.services.rooms.invite(principal, room_id, "cohost", name="Bob", expires_at=None)
    bob = await hall.client(token.token)
    assert (await bob.join(room_id))["role"] == "cohost"


async def test_a_handshake_needs_a_key_that_is_right(hall: Any) -> None:
    for auth in (None, {"apiKey": "rk_pub_wrong"}, {"apiKey": 5, "token": []}):
        client = socketio.AsyncClient(reconnection=False)
        try:
            await client.connect(hall.url, auth=auth, transports=["websocket"])
        except socketio.exceptions.ConnectionError:
            continue
        raise AssertionError(f"connected with {auth}")


async def test_it_also_answers_at_the_other_path_and_by_polling(hall: Any) -> None:
    token = await hall.user("ada")
    room_id = await hall.room(token)
    whiteboard = await hall.client(token, path="erizocontroller/socket.io")
    assert (await whiteboard.join(room_id))["role"] == "host"
    polling = await hall.client(transport="polling")
    await polling.join(room_id, "Polling")
    assert (await whiteboard.hear("peerJoined"))["name"] == "Polling"
    # The library's polite way to go waits for its last poll to time out.
    await polling.drop()


async def test_open_rooms_let_tutorial_clients_in(make_hall: Any) -> None:
    hall = await make_hall(open_rooms=True)
    one, two = [await hall.client(key=None) for _ in range(2)]
    assert await one.call("createRoom", {"room_id": "tutorial"}) == {"room_id": "tutorial", "created": True}
    assert await two.call("createRoom", {"room_id": "tutorial"}) == {"room_id": "tutorial", "created": False}
    assert (await one.join("tutorial", "One"))["role"] == "host"
    assert (await two.join("tutorial", "Two"))["role"] == "cohost"
    await two.publish()
    listed = await one.call("getProducers")
    assert [entry["name"] for entry in listed] == ["Two"]


async def test_a_dropped_peer_comes_back_by_its_token(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    token = (await hall.services.rooms.guest_token(await _web(hall), room_id, "Guest", address="")).token
    guest = await hall.client(token)
    first = await guest.join(room_id, "Guest")
    await guest.drop()
    back = await hall.client(token)
    again = await back.join(room_id, "Guest")
    assert again["id"] == first["id"] and again["resumed"] is True
    assert "peerLeft" not in host.names()


async def test_a_peer_with_its_secret_comes_back_while_the_old_socket_lives(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    producer = await host.publish()
    guest = await hall.client()
    await guest.join(room_id)
    await guest.watch(producer)
    tab = await hall.client(host.auth["token"])
    again = await tab.join(room_id, "Host", resume=host.joined["resume"])
    assert again["id"] == host.joined["id"] and again["resumed"] is True
    assert [entry["producer_id"] for entry in again["myProducers"]] == [producer]
    await host.hear("peerReplaced")
    assert [entry["producer_id"] for entry in await guest.call("getProducers")] == [producer]
    assert "consumerClosed" not in guest.names()
    assert await tab.code("join", {"room_id": "none", "name": "x"}) == "room_not_found"
    # Two windows of one person without the secret are two peers.
    other = await hall.client(host.auth["token"])
    assert (await other.join(room_id, "Host"))["id"] != host.joined["id"]


async def test_a_fresh_return_gives_up_the_old_media(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    producer = await host.publish()
    await guest.watch(producer)
    tab = await hall.client(host.auth["token"])
    again = await tab.join(room_id, "Host", resume=host.joined["resume"], fresh=True)
    assert again["id"] == host.joined["id"] and again["resumed"] is False
    await guest.hear("consumerClosed", producer_id=producer)
    assert await guest.call("getProducers") == []


async def test_transports_of_before_make_way_for_new_ones(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    client = host
    for _ in range(12):
        await client.transport("send")
        await client.transport("recv")
        tab = await hall.client(host.auth["token"])
        await tab.join(room_id, "Host", resume=client.joined["resume"])
        client = tab


async def test_after_the_grace_period_the_peer_is_gone(make_hall: Any) -> None:
    hall = await make_hall(peer_grace_seconds=0.4)
    room_id, host, (guest,) = await hall.stage()
    producer = await host.publish()
    await guest.watch(producer)
    await host.drop()
    await guest.hear("peerLeft", id=host.joined["id"])
    await guest.hear("consumerClosed", producer_id=producer)
    back = await hall.client(host.auth["token"])
    again = await back.join(room_id, "Host", resume=host.joined["resume"])
    assert again["id"] != host.joined["id"] and again["resumed"] is False


async def test_the_live_state_ends_with_its_last_peer(make_hall: Any) -> None:
    hall = await make_hall(peer_grace_seconds=0.2)
    room_id, host, _guests = await hall.stage(0)
    session = host.joined["room"]["sessionId"]
    await host.publish()
    await host.ok("exitRoom")
    async with asyncio.timeout(5):
        while room_id in hall.services.live.rooms:
            await asyncio.sleep(0.05)
    assert (await host.join(room_id))["room"]["sessionId"] != session


async def test_sessions_and_stays_are_recorded(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    await guest.ok("exitRoom")
    await host.ok("room:end", {})
    await asyncio.sleep(0.6)
    async with hall.services.db.reading() as session:
        (row,) = (await session.scalars(select(LiveSession).where(LiveSession.room_id == room_id))).all()
        stays = (await session.scalars(select(LiveParticipant).where(LiveParticipant.session_id == row.id))).all()
    assert row.ended_at is not None and row.ended_at >= row.started_at
    assert sorted((stay.name, stay.role) for stay in stays) == [("Host", "host"), ("Viewer 0", "viewer")]
    assert all(stay.left_at is not None for stay in stays)


async def test_meet_set_is_presence_without_media(hall: Any) -> None:
    token = await hall.user("ada")
    room_id = await hall.room(token)
    client = await hall.client(token)
    answer = await client.call("room.join", {"roomId": room_id, "userId": "x", "userName": "Ada"})
    assert answer["success"] is True and answer["roomId"] == room_id and answer["sessionId"]
    assert await client.code("getMyRoomInfo") == "not_in_room"
    joined = await client.join(room_id)
    assert joined["room"]["sessionId"] == answer["sessionId"]
    other = await hall.client()
    await other.ok("room.join", {"roomId": room_id, "userName": "Bob"})
    assert await other.call("exitRoom") == "successfully exited room"
    assert await other.code("exitRoom") == "not_in_room"


async def test_viewer_count_at_most_once_a_second(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    assert await host.hear("viewerCount") == {"count": 0}
    for number in range(6):
        await (await hall.client()).join(room_id, f"V{number}")
    await host.hear("viewerCount", count=6, timeout=3)
    assert host.names().count("viewerCount") <= 2


async def test_presence_of_a_large_room_is_aggregated(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    for number in range(60):
        await (await hall.client()).join(room_id, f"V{number}")
    batch = await host.hear("presence", timeout=3)
    assert batch["joined"] and batch["count"] > 50
    assert host.names().count("peerJoined") == 49
    late = await hall.client()
    answer = await late.join(room_id)
    assert [peer["role"] for peer in answer["peers"]] == ["host"]
    assert answer["room"]["peerCount"] == 62


async def test_a_full_room_says_so(hall: Any) -> None:
    token = await hall.user("ada")
    room_id = await hall.room(token, p2p=True)
    for _ in range(2):
        await (await hall.client(token)).join(room_id)
    assert await (await hall.client()).code("join", {"room_id": room_id, "name": "Third"}) == "room_full"


async def test_names_are_the_servers(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    await guest.ok("sendMessage", {"room_id": "other", "name": "Host", "socketId": "x", "message": "hi"})
    heard = await host.hear("message")
    assert heard["name"] == "Viewer 0" and heard["room_id"] == room_id
    assert heard["peer_id"] == guest.joined["id"] and heard["socketId"] == guest.socket.get_sid()


async def _web(hall: Any) -> Any:
    return await hall.services.auth.authenticate_socket(await hall.key(), None)


async def test_a_refused_join_leaves_the_first_room_alone(hall: Any) -> None:
    locked, host, _guests = await hall.stage(0)
    await host.ok("room:lock", {"locked": True})
    room_id, _other, (guest,) = await hall.stage()
    assert await guest.code("join", {"room_id": locked, "name": "x"}) == "room_locked"
    assert await guest.code("room.join", {"roomId": locked}) == "room_locked"
    assert (await guest.ok("getMyRoomInfo"))["room"]["id"] == room_id


async def test_a_full_room_gives_the_place_of_a_dropped_peer_away(hall: Any) -> None:
    token = await hall.user("ada")
    room_id = await hall.room(token, p2p=True)
    host, guest = await hall.client(token), await hall.client()
    await host.join(room_id)
    first = await guest.join(room_id)
    await guest.drop()
    await _until(lambda: hall.services.live.rooms[room_id].peers[first["id"]].connection_id is None)
    again = await hall.client()
    assert (await again.join(room_id))["id"] != first["id"]
    await host.hear("peerLeft", id=first["id"])


async def test_a_room_opened_only_to_be_refused_closes_again(make_hall: Any) -> None:
    first = await make_hall()
    room_id, host, _guests = await first.stage(0)
    await host.ok("room:lock", {"locked": True})
    await asyncio.sleep(0.6)
    again = await make_hall(peer_grace_seconds=0.2)
    guest = await again.client()
    assert await guest.code("join", {"room_id": room_id, "name": "x"}) == "room_locked"
    await _until(lambda: room_id not in again.services.live.rooms)


async def test_attendees_hear_the_end(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    attendee = await hall.client()
    await attendee.ok("room.join", {"roomId": room_id})
    await host.ok("room:end")
    assert (await attendee.hear("roomClosed"))["reason"] == "ended"


async def test_a_batch_that_fails_costs_only_what_is_wrong_in_it(hall: Any) -> None:
    recorder = hall.services.live.recorder
    foreign = {"id": "x", "session_id": "no such session", "subject": "s", "name": "Nobody", "role": "viewer"}
    recorder._insert(LiveParticipant, {**foreign, "joined_at": 1, "left_at": None, "removed": False})
    room_id, _host, _guests = await hall.stage(0)
    await asyncio.sleep(0.8)
    async with hall.services.db.reading() as session:
        assert (await session.scalars(select(LiveSession.room_id))).all() == [room_id]
        assert (await session.scalars(select(LiveParticipant.name))).all() == ["Host"]


async def _until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)
