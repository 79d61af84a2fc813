"""S4 and S14: every event with no argument, wrong types, another room's ids, a viewer's role, a 2 MB body.

The answers are errors, nothing changes, and the room goes on.
"""

import asyncio
import copy
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from rostrum.features import FEATURES

NOTHING_NEEDED = {
    "createWebRtcTransport",
    "exitRoom",
    "getMyRoomInfo",
    "getProducers",
    "getRouterRtpCapabilities",
    "resume",
    "room:end",
    "room:lock",
    "screen:shared",
    "screen:stopped",
}
"""Events that are complete without a body."""

REFUSED_TO_VIEWERS = {
    "produce": "forbidden",
    "cohost:respond": "host_only",
    "cohost:remove": "forbidden",
    "peer:mute": "forbidden",
    "peer:remove": "forbidden",
    "room:lock": "forbidden",
    "room:end": "forbidden",
    "screen:shared": "forbidden",
    "producerClosed": "producer_not_found",
    "videoPaused": "producer_not_found",
    "videoResumed": "producer_not_found",
}
"""What only the stage may do, or what needs a producer."""

WRONG = [5, "text", [], [[]], True, 1.5, {"a": None}]


def _foreign(event: str, ids: dict[str, str]) -> tuple[dict[str, Any], set[str]] | None:
    """A body that names another peer's or another room's objects, and how it may be refused."""
    transport = {"transport_id": ids["transport"]}
    missing = {"transport_not_found"}
    return {
        "connectTransport": ({**transport, "dtlsParameters": ids["dtls"]}, missing),
        "restartIce": (transport, missing),
        "closeTransport": (transport, missing),
        "produce": (
            {"producerTransportId": ids["transport"], "kind": "video", "rtpParameters": ids["rtp"]},
            missing,
        ),
        "consume": (
            {
                "consumerTransportId": ids["own_transport"],
                "producerId": ids["producer"],
                "rtpCapabilities": ids["capabilities"],
            },
            {"producer_not_found"},
        ),
        "resume": ({"consumer_id": ids["consumer"]}, {"consumer_not_found"}),
        "setPreferredLayers": ({"consumer_id": ids["consumer"], "spatialLayer": 0}, {"consumer_not_found"}),
        "videoPaused": ({"producer_id": ids["producer"]}, {"producer_not_found"}),
        "videoResumed": ({"producer_id": ids["producer"]}, {"producer_not_found"}),
        "screen:shared": ({"producer_id": ids["producer"]}, {"producer_not_found"}),
        "producerClosed": ({"producer_id": ids["producer"]}, {"producer_not_found"}),
        "cohost:respond": ({"requestId": ids["request"], "accepted": True}, {"request_not_found"}),
        "cohost:remove": ({"peer_id": ids["peer"]}, {"peer_not_found"}),
        "peer:mute": ({"peer_id": ids["peer"]}, {"peer_not_found"}),
        "peer:remove": ({"socketId": ids["socket"]}, {"peer_not_found"}),
    }.get(event)


async def _alive(host: Any, guest: Any) -> None:
    """A plain chat message, a producer and a consumer still work."""
    sent = await host.ok("sendMessage", {"message": "still here"})
    await guest.hear("message", id=sent["id"])
    transport, receiving = await host.transport(), await guest.transport("recv")
    producer = await host.publish("camera", 7, transport)
    consumer = await guest.watch(producer, receiving)
    await host.ok("producerClosed", {"producer_id": producer})
    await guest.hear("consumerClosed", consumer_id=consumer["id"])
    await host.ok("closeTransport", {"transport_id": transport})
    await guest.ok("closeTransport", {"transport_id": receiving})


def _events(hall: Any) -> list[str]:
    events = hall.services.realtime.events
    assert len(events) >= 28 and FEATURES
    return list(events)


def _relax(hall: Any) -> None:
    # The rate limit has a test of its own; here it would hide what is looked for.
    hall.services.realtime.rate = hall.services.realtime.burst = 1e9


async def test_before_joining_every_event_is_refused_or_asks_for_a_room(hall: Any) -> None:
    _relax(hall)
    client = await hall.client()
    for event in _events(hall):
        for args in ((), (None,), (5,), ({},), ([],)):
            answer = await client.call(event, *args)
            assert answer["error"] and answer["code"] in {"not_in_room", "invalid_input"}, (event, args, answer)


async def test_no_argument_and_wrong_types(hall: Any) -> None:
    _relax(hall)
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    consumer = await guest.watch(producer)
    for event in _events(hall):
        if event in NOTHING_NEEDED:
            continue
        for args in ((), *((wrong,) for wrong in WRONG)):
            for client in (host, guest):
                answer = await client.call(event, *args)
                optional = event in {"videoPaused", "videoResumed", "cohost:request", "createRoom"}
                if optional and "error" not in answer:
                    continue
                assert answer["error"] and answer["code"] != "internal", (event, args, answer)
    await host.ok("videoResumed")
    assert [entry["producer_id"] for entry in await guest.call("getProducers")] == [producer]
    assert await guest.ok("resume") == {"resumed": [consumer["id"]]}
    await _alive(host, guest)


async def test_every_field_with_every_wrong_type(hall: Any) -> None:
    _relax(hall)
    room_id, host, (guest,) = await hall.stage()
    transport = await host.transport()
    good: dict[str, dict[str, Any]] = {
        "join": {"room_id": room_id, "name": "x", "resume": "x"},
        "createRoom": {"room_id": room_id},
        "room.join": {"roomId": room_id, "userName": "x"},
        "connectTransport": {"transport_id": transport, "dtlsParameters": {}},
        "createWebRtcTransport": {"direction": "send", "forceTcp": False},
        "produce": {"producerTransportId": transport, "kind": "video", "rtpParameters": {}, "appData": {"type": "mic"}},
        "consume": {"consumerTransportId": transport, "producerId": "x", "rtpCapabilities": {}, "paused": True},
        "resume": {"consumer_id": "x"},
        "setPreferredLayers": {"consumer_id": "x", "spatialLayer": 1, "temporalLayer": 1},
        "sendMessage": {"message": "x", "clientId": "y", "file": {"name": "x", "size": 5}},
        "videoPaused": {"producer_id": "x"},
        "screen:shared": {"producer_id": "x"},
        "producerClosed": {"producer_id": "x"},
        "cohost:respond": {"requestId": "x", "accepted": True},
        "peer:mute": {"peer_id": "x", "kind": "audio"},
        "peer:remove": {"peer_id": "x"},
        "room:lock": {"locked": True},
    }
    for event, body in good.items():
        for field in body:
            for wrong in ([], 7.5, {"x": []}, "\x00" * 100_000, [[[[[]]]]]):
                if isinstance(body[field], dict) and isinstance(wrong, dict):
                    continue
                answer = await host.call(event, {**body, field: wrong})
                assert answer["error"] and answer["code"] != "internal", (event, field, wrong, answer)
    assert await host.code("setPreferredLayers", {"consumer_id": "x", "spatialLayer": -1}) == "invalid_input"
    await _alive(host, guest)


async def test_another_rooms_ids(hall: Any) -> None:
    _relax(hall)
    _one, other_host, (other_guest,) = await hall.stage()
    _two, host, (guest,) = await hall.stage()
    producer = await other_host.publish()
    ids: dict[str, Any] = {
        "transport": await other_host.transport("recv"),
        "producer": producer,
        "consumer": (await other_guest.watch(producer))["id"],
        "request": (await other_guest.ok("cohost:request"))["requestId"],
        "peer": other_guest.joined["id"],
        "socket": other_guest.socket.get_sid(),
        "own_transport": await host.transport("recv"),
        "capabilities": await host.ok("getRouterRtpCapabilities"),
        "dtls": {"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": ":".join(["AA"] * 32)}]},
        "rtp": {"codecs": []},
    }
    tried = 0
    for event in _events(hall):
        case = _foreign(event, ids)
        if case is not None:
            tried += 1
            assert await host.code(event, case[0]) in case[1], event
    assert tried == 15
    assert "mediaReset" not in other_guest.names() and "consumerClosed" not in other_guest.names()
    info = await other_host.ok("getMyRoomInfo")
    assert len(info["peers"]) == 2 and [entry["producer_id"] for entry in info["producers"]] == [producer]
    await _alive(host, guest)
    await _alive(other_host, other_guest)


async def test_another_peers_ids_in_the_same_room(hall: Any) -> None:
    _relax(hall)
    _room, host, (guest, other) = await hall.stage(2)
    transport = await host.transport()
    producer = await host.publish(transport=transport)
    consumer = (await other.watch(producer))["id"]
    for event, body, code in (
        ("closeTransport", {"transport_id": transport}, "transport_not_found"),
        ("restartIce", {"transport_id": transport}, "transport_not_found"),
        ("connectTransport", {"transport_id": transport, "dtlsParameters": {}}, "transport_not_found"),
        ("resume", {"consumer_id": consumer}, "consumer_not_found"),
        ("producerClosed", {"producer_id": producer}, "producer_not_found"),
        ("videoPaused", {"producer_id": producer}, "producer_not_found"),
    ):
        assert await guest.code(event, body) == code, event
    assert [entry["paused"] for entry in await guest.call("getProducers")] == [False]
    await _alive(host, guest)


async def test_a_viewer_sends_the_stages_events(hall: Any) -> None:
    _relax(hall)
    _room, host, (guest, other) = await hall.stage(2)
    producer = await host.publish()
    await guest.watch(producer)
    body = {
        "peer_id": other.joined["id"],
        "producer_id": producer,
        "requestId": (await other.ok("cohost:request"))["requestId"],
        "accepted": True,
        "locked": True,
        "role": "host",
    }
    for event, code in REFUSED_TO_VIEWERS.items():
        assert await guest.code(event, body) == code, event
    info = await guest.ok("getMyRoomInfo")
    assert info["role"] == "viewer" and info["room"]["locked"] is False and len(info["peers"]) == 3
    assert "consumerClosed" not in guest.names() and "roleChanged" not in guest.names()
    await _alive(host, guest)


async def test_a_body_of_two_megabytes(hall: Any) -> None:
    _relax(hall)
    _room, host, (guest,) = await hall.stage()
    for event in _events(hall):
        for client in (host, guest):
            assert await client.code(event, {"room_id": "x", "message": "y" * 2_000_000}) == "payload_too_large", event
    await _alive(host, guest)


@pytest.mark.parametrize(
    "packet",
    [
        "2",
        "2[",
        "21[",
        "21{}",
        '21["join"',
        "21[5]",
        "21[]",
        '21["join",NaN]',
        '21["join",' + "[" * 5000,
        "2" + "9" * 30,
    ],
)
async def test_malformed_packets_hurt_only_their_sender(hall: Any, packet: str) -> None:
    _room, host, (guest,) = await hall.stage()
    bad = await hall.client()
    await bad.socket.eio.send(packet)
    await asyncio.sleep(0.05)
    await _alive(host, guest)


async def test_forged_library_events_change_nothing(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    for event in ("connect", "disconnect", "disconnecting", "error", "newProducers", "roomClosed", "__proto__"):
        await guest.socket.eio.send("24" + json.dumps([event, {"reason": "x"}]))
    assert await guest.code("nobody:knows", {}) == "unknown_event"
    assert len((await host.ok("getMyRoomInfo"))["peers"]) == 2
    await _alive(host, guest)


async def test_a_flood_of_events_is_limited(hall: Any) -> None:
    hall.services.realtime.burst = hall.services.realtime.rate = 50
    _room, host, (guest,) = await hall.stage()
    answers = await asyncio.gather(*(guest.call("getProducers") for _ in range(200)))
    refused = [answer for answer in answers if isinstance(answer, dict)]
    assert refused and {answer["code"] for answer in refused} == {"rate_limited"}
    await host.ok("getProducers")


async def test_a_flood_is_read_no_faster_than_its_sender_may_speak(hall: Any) -> None:
    """S17: what is too much costs its sender time, and the server next to nothing."""
    _room, host, (guest, other) = await hall.stage(2)
    flood = [asyncio.ensure_future(guest.call("sendMessage", {"message": f"{number}"})) for number in range(3000)]
    await asyncio.wait({flood[70]})  # Of 60 in 10 seconds the first above.
    assert flood[70].result()["code"] == "rate_limited"
    for number in range(20):
        sent = await other.ok("sendMessage", {"message": f"calm {number}"})
        await host.hear("message", id=sent["id"])
    assert sum(answer.done() for answer in flood) < 1000
    await hall.services.realtime.disconnect(guest.socket.get_sid(), "flooding")
    for answer in flood:
        answer.cancel()
    await until(lambda: hall.services.realtime.connections == 2)


async def test_nobody_waits_for_the_rest_of_a_flood_whose_sender_has_gone(hall: Any) -> None:
    _room, _host, (guest,) = await hall.stage()
    for number in range(60):
        await guest.ok("sendMessage", {"message": f"{number}"})
    flood = [asyncio.ensure_future(guest.call("sendMessage", {"message": f"{number}"})) for number in range(60)]
    await asyncio.wait({flood[0]})  # Now all of them have come, too.
    assert flood[0].result()["code"] == "rate_limited"
    for answer in flood:
        answer.cancel()
    await guest.close()
    await until(lambda: hall.services.realtime.connections == 1)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.01)


VIDEO: dict[str, Any] = {
    "mid": "0",
    "codecs": [{"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000}],
    "encodings": [{"ssrc": 5}],
    "headerExtensions": [],
    "rtcp": {"cname": "x"},
}


def _hostile_rtp() -> list[dict[str, Any]]:
    codec = VIDEO["codecs"][0]
    changes: list[dict[str, Any]] = [
        {"codecs": None},
        {"codecs": "x" * 900_000},
        {"codecs": []},
        {"codecs": [codec, codec]},
        {"codecs": [{}] * 100_000},
        {"codecs": [{**codec, "payloadType": 1000}]},
        {"codecs": [{**codec, "payloadType": "96"}]},
        {"codecs": [{**codec, "clockRate": -1}]},
        {"codecs": [{**codec, "clockRate": 1e300}]},
        {"codecs": [{**codec, "mimeType": "video/" + "x" * 900_000}]},
        {"codecs": [{**codec, "mimeType": "audio/opus"}]},
        {"codecs": [{**codec, "parameters": {"apt": 96, "x": [[]]}}]},
        {"codecs": [{**codec, "rtcpFeedback": [{"type": 5}]}]},
        {"codecs": [{**codec, "rtcpFeedback": [{}] * 50_000}]},
        {"encodings": [{"ssrc": 5}, {"ssrc": 5}]},
        {"encodings": [{"ssrc": -5}]},
        {"encodings": [{"ssrc": 2**40}]},
        {"encodings": [{"ssrc": 5}] * 50_000},
        {"encodings": [{"rid": "x" * 100_000}]},
        {"encodings": [{"ssrc": 5, "rtx": {"ssrc": 5}}]},
        {"encodings": {}},
        {"headerExtensions": [{"uri": "x", "id": 0}]},
        {"headerExtensions": [{"uri": "x" * 500_000, "id": 1}]},
        {"headerExtensions": [{"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 1}] * 10_000},
        {"mid": {"x": 1}},
        {"mid": "m" * 100_000},
        {"rtcp": [1]},
        {"rtcp": {"cname": "c" * 500_000}},
        {"rtcp": {"cname": 5}},
    ]
    return [{**copy.deepcopy(VIDEO), **change} for change in changes]


async def test_malformed_rtp_parameters(hall: Any) -> None:
    """S14: an error, soon; the worker lives; the room loses nothing."""
    _relax(hall)
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish("mic")
    consumer = await guest.watch(producer)
    (worker,) = hall.services.sfu._pool.workers
    transport = await host.transport()
    doors, costs = hall.services.realtime._doors, []
    door = doors["produce"]

    async def measured(*args: Any) -> Any:
        started = time.thread_time()
        try:
            return await door.handler(*args)
        finally:
            costs.append(time.thread_time() - started)

    doors["produce"] = dataclasses.replace(door, handler=measured)
    for rtp in _hostile_rtp():
        body = {"producerTransportId": transport, "kind": "video", "rtpParameters": rtp}
        answer = await host.call("produce", body)
        assert answer.get("code") == "invalid_parameters", (str(rtp)[:200], answer)
    # 50 ms is the aim; CPU time of a machine shared with other tests gets some room above that.
    assert max(costs) < 0.2 and sorted(costs)[len(costs) // 2] < 0.05, costs
    doors["produce"] = door
    assert worker.alive
    assert [entry["producer_id"] for entry in await guest.call("getProducers")] == [producer]
    assert await guest.ok("resume") == {"resumed": [consumer["id"]]}
    await _alive(host, guest)


async def test_malformed_capabilities_and_dtls_parameters(hall: Any) -> None:
    _relax(hall)
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    transport = await guest.transport("recv", connect=False)
    capabilities = await guest.ok("getRouterRtpCapabilities")
    codec = capabilities["codecs"][0]
    for hostile in (
        {},
        {"codecs": []},
        {"codecs": [codec] * 1000},
        {"codecs": [{**codec, "preferredPayloadType": 5000}]},
        {"codecs": [{**codec, "kind": "x"}]},
        {"codecs": None, "headerExtensions": 5},
        {"codecs": capabilities["codecs"], "headerExtensions": [{"uri": 5}]},
        {"codecs": "x" * 900_000},
    ):
        body = {"consumerTransportId": transport, "producerId": producer, "rtpCapabilities": hostile}
        assert await guest.code("consume", body) == "invalid_parameters", str(hostile)[:100]
    good = {"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}
    for dtls in (
        {},
        {"role": "client", "fingerprints": []},
        {"role": "boss", "fingerprints": [good]},
        {"role": "client", "fingerprints": [{"algorithm": "md5000", "value": "x"}]},
        {"role": "client", "fingerprints": [{**good, "value": "x" * 900_000}]},
        {"role": "client", "fingerprints": [{**good, "value": "zz"}]},
        {"role": "client", "fingerprints": [good] * 5000},
        {"role": "client", "fingerprints": "x"},
    ):
        code = await guest.code("connectTransport", {"transport_id": transport, "dtlsParameters": dtls})
        assert code == "invalid_parameters", str(dtls)[:100]
    dtls = {"role": "client", "fingerprints": [good]}
    assert await guest.ok("connectTransport", {"transport_id": transport, "dtlsParameters": dtls}) == "success"
    assert await guest.code("connectTransport", {"transport_id": transport, "dtlsParameters": dtls}) in {
        "invalid_state",
        "invalid_parameters",
    }
    await _alive(host, guest)
