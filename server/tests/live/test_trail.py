"""What the audit log has of live rooms: one record of each thing that a host does, or that somebody tries to do."""

from typing import Any

import pytest
import socketio
from rostrum.live.interrupted import Interruptions

Row = tuple[str, str, str, str | None]
"""Action, actor, resource and code."""


async def _log(hall: Any, **equal: str) -> list[Row]:
    """All records, oldest first."""
    tenant = await hall.services.tenants.default()
    records, _ = await hall.services.audit.page(tenant.id, equal=equal, limit=1000)
    return [(record.action, record.actor, record.resource, record.code) for record in records][::-1]


@pytest.fixture
async def scene(hall: Any) -> dict[str, Any]:
    """A room with its host, a co-host who sends, and two viewers."""
    room, host, guests = await hall.stage(viewers=3)
    cohost = guests.pop()
    request = await cohost.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    producer = await cohost.publish("mic", 9)
    owner = await hall.services.auth.find((await hall.services.tenants.default()).id, "host0@example.org")
    peers = hall.services.live.rooms[room].peers
    return {
        "room": room, "host": host, "cohost": cohost, "viewer": guests[0], "other": guests[1], "producer": producer,
        "owner": owner.id, "cohost_id": cohost.joined["id"], "other_id": guests[1].joined["id"],
        "cohost_subject": peers[cohost.joined["id"]].subject, "other_subject": peers[guests[1].joined["id"]].subject,
        "viewer_subject": peers[guests[0].joined["id"]].subject,
    }  # fmt: skip


# Event and body, and the record: its action and what its resource has behind the room. In this order they all succeed.
DEEDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("peer:mute", {"peer_id": "{cohost_id}", "kind": "audio"}, "peer.mute", "/subject:{cohost_subject}/kind:audio"),
    ("producerClosed", {"producer_id": "{producer}"}, "producer.close", "/producer:{producer}"),
    ("cohost:remove", {"peer_id": "{cohost_id}"}, "role.change", "/subject:{cohost_subject}/role:viewer"),
    ("room:lock", {"locked": True}, "room.lock", ""),
    ("room:lock", {"locked": False}, "room.unlock", ""),
    ("peer:remove", {"peer_id": "{other_id}"}, "peer.remove", "/subject:{other_subject}"),
    ("room:end", {}, "room.end", ""),
]


def _filled(body: dict[str, Any], scene: dict[str, Any]) -> dict[str, Any]:
    return {key: value.format(**scene) if isinstance(value, str) else value for key, value in body.items()}


async def test_each_thing_that_a_host_does_is_one_record(hall: Any, scene: dict[str, Any]) -> None:
    for event, body, action, about in DEEDS:
        before = len(await _log(hall))
        await scene["host"].ok(event, _filled(body, scene))
        # It is there when the acknowledgement is, without any waiting.
        resource = f"room:{scene['room']}{about.format(**scene)}"
        assert (await _log(hall))[before:] == [(action, scene["owner"], resource, None)], event


async def test_each_thing_that_a_viewer_may_not_do_is_one_record(hall: Any, scene: dict[str, Any]) -> None:
    for event, body, action, _ in DEEDS:
        for _ in range(3):  # Three tries within a minute are one record.
            before = len(await _log(hall))
            code = await scene["viewer"].code(event, _filled(body, scene))
            new = (await _log(hall))[before:]
            if new:
                told, actor, resource, noted = new[0]
        assert (told, actor, noted) == (action, scene["viewer_subject"], code), event
        assert resource.startswith(f"room:{scene['room']}")
        failures = [row for row in await _log(hall, action=action) if row[3] is not None]
        assert len(failures) == 1, (event, failures)


async def test_an_answer_to_a_request_is_one_record(hall: Any, scene: dict[str, Any]) -> None:
    for accepted, action, role in ((False, "cohost.decline", ""), (True, "role.change", "/role:cohost")):
        request = await scene["viewer"].ok("cohost:request")
        answer = {"requestId": request["requestId"], "accepted": accepted}
        assert await scene["other"].code("cohost:respond", answer) == "host_only"
        before = len(await _log(hall))
        await scene["host"].ok("cohost:respond", answer)
        resource = f"room:{scene['room']}/subject:{scene['viewer_subject']}{role}"
        assert (await _log(hall))[before:] == [(action, scene["owner"], resource, None)]
        assert [row[3] for row in await _log(hall, action=action, outcome="failure")] == ["host_only"]


async def test_what_is_not_sensitive_in_itself_is_a_record_when_it_is_refused(hall: Any, scene: dict[str, Any]) -> None:
    before = len(await _log(hall))
    await scene["viewer"].code("screen:shared")
    await scene["viewer"].code("connectTransport", {"transport_id": "x" * 8, "dtlsParameters": {}})
    await hall.services.audit.settle()
    resource = f"room:{scene['room']}"
    assert (await _log(hall))[before:] == [
        ("signal.screen:shared", scene["viewer_subject"], resource, "forbidden"),
        ("signal.connectTransport", scene["viewer_subject"], resource, "transport_not_found"),
    ]


async def test_a_refused_handshake_is_a_record_where_the_tenant_is_known(hall: Any) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        await hall.client("no.such.token")
    [record] = await _log(hall, action="socket.connect", address="127.0.0.1")
    assert record == ("socket.connect", "", "", "invalid_token")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await hall.client(key="rk_pub_wrong")
    assert len(await _log(hall, action="socket.connect")) == 1


async def _found_by_the_next_run(hall: Any, room_id: str) -> Any:
    async def nothing(*_: Any) -> None:
        return None

    services = hall.services
    found = Interruptions(services.db, services.cluster, grace_seconds=60, flush=nothing, on_ended=nothing)
    await found.start()
    left = await found.take(room_id)
    await found.close()
    return left


async def test_what_a_host_decides_outlives_a_kill(hall: Any, make_hall: Any, scene: dict[str, Any]) -> None:
    """The rows are read as the next run of the server would find them, at the moment of the acknowledgement."""
    await scene["host"].ok("room:lock", {"locked": True})
    await scene["host"].ok("peer:remove", {"peer_id": scene["other_id"]})
    left = await _found_by_the_next_run(hall, scene["room"])
    assert left.locked
    assert left.removed == {scene["other_subject"]}
    await scene["host"].ok("room:end")
    assert await _found_by_the_next_run(hall, scene["room"]) is None
    assert await hall.services.rooms.live_roles(scene["room"]) == {}
