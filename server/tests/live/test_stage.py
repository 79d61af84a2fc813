"""Co-hosts, and the controls of hosts and co-hosts."""

from typing import Any


async def _accepted(host: Any, guest: Any) -> None:
    request = await guest.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    await guest.hear("cohost:response", accepted=True)


async def test_a_viewer_becomes_cohost_without_rejoining(hall: Any) -> None:
    _room, host, (guest, other) = await hall.stage(2)
    transport = await guest.transport()
    assert await guest.code("produce", {"producerTransportId": transport}) == "forbidden"
    request = await guest.ok("cohost:request")
    asked = await host.hear("cohost:request")
    assert asked["requestId"] == request["requestId"] and asked["peerId"] == guest.joined["id"]
    assert asked["name"] == "Viewer 0" and asked["socketId"] == guest.socket.get_sid()
    assert "cohost:request" not in other.names()
    assert await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True}) == {}
    for event in ("cohost:response", "cohost:respond"):
        answer = await guest.hear(event)
        assert (answer["accepted"], answer["role"], answer["by"]) == (True, "cohost", "Host")
    changed = await other.hear("roleChanged")
    assert (changed["id"], changed["role"]) == (guest.joined["id"], "cohost")
    producer = await guest.publish(transport=transport)
    assert (await other.hear_list("newProducers"))[0]["producer_id"] == producer


async def test_the_request_may_be_named_by_socket(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    await guest.ok("cohost:request")
    await host.ok("cohost:respond", {"socketId": guest.socket.get_sid(), "accepted": False})
    answer = await guest.hear("cohost:response")
    assert answer["accepted"] is False and answer["role"] == "viewer"
    assert await host.code("cohost:respond", {"socketId": guest.socket.get_sid(), "accepted": True}) == (
        "request_not_found"
    )


async def test_asking_twice_is_one_request_and_a_late_host_sees_it(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    first = await guest.ok("cohost:request")
    assert await guest.ok("cohost:request") == first
    late = await hall.client(host.auth["token"])
    answer = await late.join(room_id, "Host")
    assert [entry["requestId"] for entry in answer["cohostRequests"]] == [first["requestId"]]
    assert await host.code("cohost:request") == "already_cohost"


async def test_only_a_host_answers_requests(hall: Any) -> None:
    _room, host, (guest, other) = await hall.stage(2)
    await _accepted(host, guest)
    request = await other.ok("cohost:request")
    body = {"requestId": request["requestId"], "accepted": True}
    assert await guest.code("cohost:respond", body) == "host_only"
    assert await other.code("cohost:respond", body) == "host_only"


async def test_a_cohost_is_taken_off_the_stage(hall: Any) -> None:
    _room, host, (guest, other) = await hall.stage(2)
    await _accepted(host, guest)
    producer = await guest.publish()
    await other.watch(producer)
    await host.ok("cohost:remove", {"peer_id": guest.joined["id"]})
    await guest.hear("roleChanged", role="viewer")
    await other.hear("consumerClosed", producer_id=producer)
    await other.hear("producerClosed", producer_id=producer)
    assert await other.call("getProducers") == []
    assert await guest.code("produce", {}) == "forbidden"


async def test_a_granted_role_survives_a_rejoin(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    web = await hall.services.auth.authenticate_socket(await hall.key(), None)
    token = (await hall.services.rooms.guest_token(web, room_id, "Bob", address="")).token
    bob = await hall.client(token)
    await bob.join(room_id, "Bob")
    await _accepted(host, bob)
    await bob.ok("exitRoom")
    assert (await bob.join(room_id, "Bob"))["role"] == "cohost"
    await host.ok("room:end")
    assert (await bob.join(room_id, "Bob"))["role"] == "viewer"


async def test_mute(hall: Any) -> None:
    _room, host, (guest, other) = await hall.stage(2)
    await _accepted(host, guest)
    producer = await guest.publish("mic")
    await other.watch(producer)
    await host.ok("peer:mute", {"peer_id": guest.joined["id"]})
    told = await guest.hear("peer:mute")
    assert told["by"] == "Host" and told["peer_id"] == guest.joined["id"] and told["producer_ids"] == [producer]
    await other.hear("consumerPaused", producer_id=producer)
    assert await other.code("peer:mute", {"peer_id": guest.joined["id"]}) == "forbidden"
    await guest.ok("videoResumed", {"producer_id": producer})
    await other.hear("consumerResumed", producer_id=producer)


async def test_a_removed_peer_stays_out(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    web = await hall.services.auth.authenticate_socket(await hall.key(), None)
    token = (await hall.services.rooms.guest_token(web, room_id, "Eve", address="")).token
    eve = await hall.client(token)
    answer = await eve.join(room_id, "Eve")
    await host.ok("peer:remove", {"peer_id": answer["id"]})
    assert (await eve.hear("roomClosed"))["reason"] == "removed"
    await guest.hear("peerLeft", id=answer["id"])
    assert await eve.code("getMyRoomInfo") == "not_in_room"
    assert await eve.code("join", {"room_id": room_id, "name": "Eve"}) == "removed_from_room"
    again = await hall.client(token)
    body = {"room_id": room_id, "name": "Adam", "resume": answer["resume"]}
    assert await again.code("join", body) == "removed_from_room"


async def test_a_locked_room_takes_no_new_viewers(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    assert await guest.code("room:lock", {"locked": True}) == "forbidden"
    await host.ok("room:lock", {"locked": True})
    assert (await guest.hear("room:lock"))["locked"] is True
    late = await hall.client()
    assert await late.code("join", {"room_id": room_id, "name": "Late"}) == "room_locked"
    assert (await (await hall.client(host.auth["token"])).join(room_id, "Host"))["room"]["locked"] is True
    await host.ok("room:lock", {"locked": False})
    await late.join(room_id)


async def test_end_closes_the_room_for_all(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    producer = await host.publish()
    await guest.watch(producer)
    assert await guest.code("room:end") == "forbidden"
    await host.ok("room:end")
    for client in (host, guest):
        told = await client.hear("roomClosed")
        assert told == {"reason": "ended", "by": "Host"}
        assert await client.code("getMyRoomInfo") == "not_in_room"
    assert room_id not in hall.services.live.rooms


async def test_a_cohost_has_no_power_over_the_host(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    await _accepted(host, guest)
    for event in ("cohost:remove", "peer:remove", "peer:mute"):
        assert await guest.code(event, {"peer_id": host.joined["id"]}) == "host_only"
    assert await guest.code("producerClosed", {"producer_id": await host.publish()}) == "producer_not_found"


async def test_a_host_is_neither_demoted_nor_locked_out_by_themselves(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    window = await hall.client(host.auth["token"])
    other = await window.join(room_id, "Host")
    await host.ok("cohost:remove", {"peer_id": other["id"]})
    assert (await window.ok("getMyRoomInfo"))["role"] == "host"
    await host.ok("peer:remove", {"peer_id": other["id"]})
    assert (await window.hear("roomClosed"))["reason"] == "removed"
    assert (await window.join(room_id, "Host"))["role"] == "host"


async def test_roles_end_with_the_session_also_for_who_is_quick(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    web = await hall.services.auth.authenticate_socket(await hall.key(), None)
    token = (await hall.services.rooms.guest_token(web, room_id, "Bob", address="")).token
    bob = await hall.client(token)
    await bob.join(room_id, "Bob")
    await _accepted(host, bob)
    await host.socket.emit("room:end")
    while (answer := await bob.call("join", {"room_id": room_id, "name": "Bob"})).get("role") == "cohost":
        assert answer["resumed"] is True
    assert answer.get("role") == "viewer" or answer.get("code") == "not_in_room"


async def test_removal_takes_all_windows_of_a_person(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    eve = await hall.user("eve")
    windows = [await hall.client(eve) for _ in range(2)]
    first = await windows[0].join(room_id, "Eve")
    await windows[1].join(room_id, "Eve")
    await host.ok("peer:remove", {"peer_id": first["id"]})
    for window in windows:
        assert (await window.hear("roomClosed"))["reason"] == "removed"


async def test_a_room_ends_even_where_the_database_fails(hall: Any, monkeypatch: Any) -> None:
    from rostrum.kit.errors import Unavailable

    room_id, host, (guest,) = await hall.stage()
    await host.publish()

    async def fails(_room_id: str) -> None:
        raise Unavailable()

    monkeypatch.setattr(hall.services.rooms, "clear_live_roles", fails)
    await host.ok("room:end")
    await guest.hear("roomClosed")
    (worker,) = hall.services.sfu._pool.workers
    assert not hall.services.sfu._rooms and not worker.worker.routers and room_id not in hall.services.live.rooms
