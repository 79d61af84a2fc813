"""Media in the answer to `join`: what it brings, to whom, and what becomes of it when something is wrong."""

import asyncio
from typing import Any

import pytest
from rostrum.sfu import welcome

from server.tests.live.conftest import DTLS


async def known_to(client: Any) -> dict[str, Any]:
    """What a client that has been here before knows of the routers."""
    joined = await client.join(client.room, media={"recv": True})
    await client.ok("exitRoom")
    return {"tag": joined["media"]["tag"], "rtpCapabilities": joined["media"]["routerRtpCapabilities"]}


async def newcomer(hall: Any, room: str) -> Any:
    client = await hall.client()
    client.room = room
    return client


async def test_a_first_visit_brings_capabilities_transport_and_producers(hall: Any) -> None:
    room, host, _guests = await hall.stage(0)
    camera = await host.publish()
    guest = await newcomer(hall, room)
    media = (await guest.join(room, media={"recv": True}))["media"]
    assert media["routerRtpCapabilities"] == await guest.ok("getRouterRtpCapabilities")
    assert set(media["recvTransport"]) == {"id", "iceParameters", "iceCandidates", "dtlsParameters"}
    assert media["producers"] == await guest.ok("getProducers")
    assert media["consumers"] == [] and "sendTransport" not in media
    consumer = await guest.watch(camera, media["recvTransport"]["id"], paused=True)
    connect = {"transport_id": media["recvTransport"]["id"], "dtlsParameters": DTLS}
    assert await guest.ok("connectTransport", connect) == "success"
    assert await guest.ok("resume", {"consumer_id": consumer["id"]}) == {"resumed": [consumer["id"]]}


async def test_two_round_trips_for_whoever_knows_the_routers(hall: Any) -> None:
    room, host, _guests = await hall.stage(0)
    transport = await host.transport()
    made = {await host.publish("camera", 1, transport), await host.publish("mic", 2, transport)}
    guest = await newcomer(hall, room)
    known = await known_to(guest)
    media = (await guest.join(room, media={"recv": True, **known}))["media"]
    assert "routerRtpCapabilities" not in media
    assert {one["producerId"] for one in media["consumers"]} == made
    assert all(one["rtpParameters"]["codecs"] and not one["paused"] for one in media["consumers"])
    connect = {"transport_id": media["recvTransport"]["id"], "dtlsParameters": DTLS}
    assert await guest.ok("connectTransport", connect) == "success"
    await host.ok("producerClosed", {"producer_id": next(iter(made))})
    await guest.hear("consumerClosed", producer_id=next(iter(made)))


async def test_another_tag_is_told_the_capabilities_and_gets_no_consumers(hall: Any) -> None:
    room, host, _guests = await hall.stage(0)
    await host.publish()
    guest = await newcomer(hall, room)
    known = await known_to(guest)
    media = (await guest.join(room, media={"recv": True, **known, "tag": "of another server"}))["media"]
    assert media["consumers"] == [] and media["routerRtpCapabilities"] == known["rtpCapabilities"]


async def test_a_join_without_it_has_none(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    assert "media" not in guest.joined and "media" not in host.joined


async def test_a_viewer_gets_no_way_to_send_and_a_host_does(hall: Any) -> None:
    room, host, _guests = await hall.stage(0)
    guest = await newcomer(hall, room)
    assert set((await guest.join(room, media={"send": True}))["media"]) == {
        "tag",
        "routerRtpCapabilities",
        "producers",
        "consumers",
    }
    again = await host.join(room, media={"send": True, "recv": True})
    transport = again["media"]["sendTransport"]["id"]
    assert transport != again["media"]["recvTransport"]["id"]
    await host.ok("connectTransport", {"transport_id": transport, "dtlsParameters": DTLS})
    await host.publish("camera", 9, transport)


async def test_joining_twice_brings_the_same(hall: Any) -> None:
    room, host, _guests = await hall.stage(0)
    await host.publish()
    guest = await newcomer(hall, room)
    known = await known_to(guest)
    asked = {"room_id": room, "name": "Twice", "media": {"recv": True, **known}}
    first, second = await asyncio.gather(guest.ok("join", asked), guest.ok("join", asked))
    assert first["media"] == second["media"] and len(second["media"]["consumers"]) == 1
    # A transport in use is not given away a second time.
    await guest.ok("connectTransport", {"transport_id": first["media"]["recvTransport"]["id"], "dtlsParameters": DTLS})
    third = await guest.ok("join", asked)
    assert third["media"]["recvTransport"]["id"] != first["media"]["recvTransport"]["id"]


async def test_a_fresh_return_gives_up_what_was_before(hall: Any) -> None:
    room, host, _guests = await hall.stage(0)
    await host.publish()
    guest = await newcomer(hall, room)
    known = await known_to(guest)
    before = await guest.join(room, media={"recv": True, **known})
    back = await newcomer(hall, room)
    after = await back.join(room, resume=before["resume"], fresh=True, media={"recv": True, **known})
    assert after["id"] == before["id"]
    assert after["media"]["recvTransport"]["id"] != before["media"]["recvTransport"]["id"]
    assert after["media"]["consumers"][0]["id"] != before["media"]["consumers"][0]["id"]
    old = {"transport_id": before["media"]["recvTransport"]["id"], "dtlsParameters": DTLS}
    assert await back.code("connectTransport", old) == "transport_not_found"


async def test_one_answer_brings_so_many_and_no_more(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(welcome, "MOST_CONSUMERS", 3)
    monkeypatch.setattr(welcome, "MOST_VIDEOS", 2)
    room, host, _guests = await hall.stage(0)
    transport = await host.transport()
    for ssrc in (1, 2):
        await host.publish("camera", ssrc, transport)
        await host.publish("mic", 10 + ssrc, transport)
    await host.publish("screen", 3, transport)
    guest = await newcomer(hall, room)
    media = (await guest.join(room, media={"recv": True, **await known_to(guest)}))["media"]
    assert [one["appData"]["type"] for one in media["consumers"]] == ["mic", "screen", "camera"]
    assert len(media["producers"]) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"recv": "yes"},
        {"recv": True, "rtpCapabilities": 5},
        {"recv": True, "tag": "x" * 65},
        {"recv": True, "send": None},
    ],
)
async def test_a_senseless_request_costs_the_media_and_not_the_join(hall: Any, wrong: dict[str, Any]) -> None:
    room, _host, _guests = await hall.stage(0)
    guest = await newcomer(hall, room)
    joined = await guest.join(room, media=wrong)
    assert joined["media"]["code"] == "invalid_input" and joined["role"] == "viewer"
    assert await guest.ok("getProducers") == []


@pytest.mark.parametrize(
    "capabilities",
    [
        {},
        {"codecs": [{}] * 100_000},
        {"codecs": [{"mimeType": "video/VP8", "kind": "video", "clockRate": float("1e308")}]},
        {"codecs": [{"mimeType": "video/X", "kind": "video", "clockRate": 90000, "preferredPayloadType": 1}] * 2},
    ],
)
async def test_malformed_capabilities_give_no_consumers(hall: Any, capabilities: dict[str, Any]) -> None:
    room, host, _guests = await hall.stage(0)
    await host.publish()
    guest = await newcomer(hall, room)
    known = await known_to(guest)
    media = (await guest.join(room, media={"recv": True, **known, "rtpCapabilities": capabilities}))["media"]
    assert media["consumers"] == [] and len(media["producers"]) == 1


async def test_nothing_that_is_heard_meanwhile_is_contradicted(hall: Any) -> None:
    room, host, _guests = await hall.stage(0)
    transport = await host.transport()
    producers = [await host.publish("camera", 100 + number, transport) for number in range(4)]
    guest = await newcomer(hall, room)
    known = await known_to(guest)

    async def end() -> None:
        for producer in producers:
            await host.ok("producerClosed", {"producer_id": producer})

    joined, _ = await asyncio.gather(guest.join(room, media={"recv": True, **known}), end())
    gone = {body["producer_id"] for event, body in guest.heard if event == "producerClosed"}
    told = {one["producerId"] for one in joined["media"]["consumers"]}
    # What was in the answer is reported as closed by its own event; what is not, was closed before.
    for producer in told - gone:
        await guest.hear("consumerClosed", producer_id=producer)


async def test_media_that_takes_too_long_does_not_hold_up_the_join(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(welcome, "PATIENCE_SECONDS", 0.0)
    room, _host, _guests = await hall.stage(0)
    guest = await newcomer(hall, room)
    joined = await guest.join(room, media={"recv": True})
    assert joined["media"]["code"] == "media_restarting"
