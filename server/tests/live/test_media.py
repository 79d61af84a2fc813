"""Transports, producers, consumers, screen, over the real engine."""

import asyncio
from typing import Any

import mediasoup
import pytest

from server.tests.live.conftest import vp8


async def test_produce_consume_and_the_end_of_it(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    (listed,) = await guest.hear_list("newProducers")
    assert listed == {
        "producer_id": producer,
        "producer_socket_id": host.socket.get_sid(),
        "peer_id": host.joined["id"],
        "name": "Host",
        "kind": "video",
        "type": "camera",
        "paused": False,
    }
    assert await guest.call("getProducers") == [listed]
    assert await host.call("getProducers") == []
    consumer = await guest.watch(producer)
    assert consumer["producerId"] == producer and consumer["kind"] == "video" and consumer["type"] == "simple"
    assert consumer["producerPaused"] is False and consumer["rtpParameters"]["codecs"]
    assert await host.ok("producerClosed", {"producer_id": producer}) == {}
    await guest.hear("producerClosed", producer_id=producer)
    await guest.hear("consumerClosed", consumer_id=consumer["id"])
    # Said twice, it is closed all the same.
    assert await host.ok("producerClosed", {"producer_id": producer}) == {}


async def test_consuming_twice_is_one_consumer(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    transport = await guest.transport("recv")
    first, second = await asyncio.gather(guest.watch(producer, transport), guest.watch(producer, transport))
    assert first == second
    assert (await guest.watch(producer))["id"] != first["id"]


async def test_get_producers_without_acknowledgement(hall: Any) -> None:
    _room, host, _guests = await hall.stage(0)
    producer = await host.publish()
    guest = await hall.client()
    await guest.join(_room)
    await guest.socket.emit("getProducers")
    (listed,) = await guest.hear_list("newProducers")
    assert listed["producer_id"] == producer


async def test_paused_consumers_flow_after_resume(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    transport = await host.transport()
    camera = await host.publish("camera", 1, transport)
    mic = await host.publish("mic", 2, transport)
    receiving = await guest.transport("recv")
    ids = [(await guest.watch(producer, receiving, paused=True))["id"] for producer in (camera, mic)]
    assert await guest.ok("resume", {"consumer_id": ids[0]}) == {"resumed": [ids[0]]}
    assert set((await guest.ok("resume"))["resumed"]) == set(ids)
    assert await guest.ok("setPreferredLayers", {"consumer_id": ids[0], "spatialLayer": 0}) == {}


async def test_a_stream_with_layers_of_its_own_is_asked_a_key_frame(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = mediasoup.Consumer.request_key_frame

    async def request_key_frame(consumer: mediasoup.Consumer) -> None:
        asked.append(consumer.id)
        await original(consumer)

    monkeypatch.setattr(mediasoup.Consumer, "request_key_frame", request_key_frame)
    _room, host, (guest,) = await hall.stage()
    transport = await host.transport()
    layered = {**vp8(7), "encodings": [{"ssrc": 7, "scalabilityMode": "L1T3"}]}
    plain = await host.publish("camera", 6, transport)
    body = {"producerTransportId": transport, "kind": "video", "appData": {"type": "screen"}}
    svc = (await host.ok("produce", {**body, "rtpParameters": layered}))["id"]
    receiving = await guest.transport("recv")
    made = [await guest.watch(producer, receiving, paused=True) for producer in (plain, svc)]
    assert [one["type"] for one in made] == ["simple", "svc"] and asked == []
    await guest.ok("resume")
    assert asked == [made[1]["id"]]
    # What is resumed before the browser is connected is asked for once more when it is.
    media = next(iter(hall.services.sfu._rooms.values()))
    carrier = next(one.carriers[receiving] for one in media.peers.values() if receiving in one.carriers)
    carrier.transport._notified("WEBRTCTRANSPORT_DTLS_STATE_CHANGE", {"dtls_state": "connected", "remote_cert": None})
    await asyncio.sleep(0)
    assert asked == [made[1]["id"]] * 2


async def test_video_paused_and_resumed(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    consumer = await guest.watch(producer)
    await host.ok("videoPaused")
    told = await guest.hear("videoPaused")
    assert told["producer_id"] == producer and told["peerId"] == host.joined["id"] and told["name"] == "Host"
    await guest.hear("consumerPaused", consumer_id=consumer["id"])
    assert (await guest.call("getProducers"))[0]["paused"] is True
    await host.ok("videoResumed", {"producer_id": producer})
    await guest.hear("videoResumed", producer_id=producer)
    assert await guest.code("videoPaused") == "producer_not_found"


async def test_restart_ice_and_close_transport(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    transport = await host.transport()
    producer = await host.publish(transport=transport)
    await guest.watch(producer)
    restarted = await host.ok("restartIce", {"transport_id": transport})
    assert restarted["iceParameters"]["usernameFragment"]
    await host.ok("closeTransport", {"transport_id": transport})
    await guest.hear("producerClosed", producer_id=producer)
    await guest.hear("consumerClosed", producer_id=producer)
    assert await host.code("restartIce", {"transport_id": transport}) == "transport_not_found"


async def test_one_screen_a_room(hall: Any) -> None:
    _room, host, (guest, other) = await hall.stage(2)
    request = await guest.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    screen = await host.publish("screen")
    assert await host.ok("screen:shared", {"producer_id": screen}) == {}
    told = await other.hear("screen:shared")
    assert told["socketId"] == host.socket.get_sid() and told["name"] == "Host" and told["producer_id"] == screen
    busy = await guest.call("screen:shared", {})
    assert busy["code"] == "screen_busy" and busy["by"]["name"] == "Host"
    transport = await guest.transport()
    body = {
        "producerTransportId": transport,
        "kind": "video",
        "rtpParameters": {"codecs": []},
        "appData": {"type": "screen"},
    }
    assert await guest.code("produce", body) == "screen_busy"
    assert (await other.ok("getMyRoomInfo"))["screen"]["producer_id"] == screen
    await host.ok("screen:stopped")
    assert (await other.hear("screen:stopped"))["peerId"] == host.joined["id"]
    await other.hear("producerClosed", producer_id=screen)
    await guest.ok("screen:shared")
    assert await other.code("screen:shared") == "forbidden"


async def test_the_screen_is_free_when_its_producer_ends_or_its_owner_leaves(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    screen = await host.publish("screen")
    await host.ok("screen:shared", {"producer_id": screen})
    await host.ok("producerClosed", {"producer_id": screen})
    await guest.hear("screen:stopped")
    await host.ok("screen:shared", {})
    await host.ok("exitRoom")
    await guest.hear("screen:stopped")


async def test_other_producers_do_not_touch_the_screens_place(hall: Any) -> None:
    _room, host, _guests = await hall.stage(0)
    await host.ok("producerClosed", {"producer_id": await host.publish("camera", 1)})
    await host.ok("screen:shared", {})
    await host.ok("producerClosed", {"producer_id": await host.publish("camera", 2)})
    assert (await host.ok("getMyRoomInfo"))["screen"]["name"] == "Host"


async def test_a_track_may_start_paused(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish("mic", paused=True)
    assert (await guest.watch(producer))["producerPaused"] is True


async def test_a_failed_screen_leaves_the_place_free(hall: Any) -> None:
    _room, host, _guests = await hall.stage(0)
    transport = await host.transport()
    body = {
        "producerTransportId": transport,
        "kind": "video",
        "rtpParameters": {"codecs": []},
        "appData": {"type": "screen"},
    }
    assert await host.code("produce", body) == "invalid_parameters"
    assert (await host.ok("getMyRoomInfo"))["screen"] is None


async def test_the_screen_of_a_dropped_sharer_stops(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    screen = await host.publish("screen")
    await host.ok("screen:shared", {"producer_id": screen})
    await host.drop()
    await guest.hear("screen:stopped", timeout=5)
    await guest.hear("producerClosed", producer_id=screen)
    assert "peerLeft" not in guest.names()


async def test_a_host_may_close_anybodys_producer(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    request = await guest.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    producer = await guest.publish()
    await host.ok("producerClosed", {"producer_id": producer})
    assert await host.call("getProducers") == []


async def test_caps(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    for _ in range(8):
        await guest.ok("createWebRtcTransport", {"direction": "recv"})
    assert await guest.code("createWebRtcTransport", {}) == "limit_reached"
    transport = await host.transport()
    for number in range(8):
        await host.publish("camera", 100 + number, transport)
    body = {"producerTransportId": transport, "kind": "video", "rtpParameters": {}}
    assert await host.code("produce", body) == "limit_reached"


async def test_force_tcp_offers_no_udp(hall: Any) -> None:
    _room, host, _guests = await hall.stage(0)
    made = await host.ok("createWebRtcTransport", {"direction": "send", "forceTcp": True})
    assert {candidate["protocol"] for candidate in made["iceCandidates"]} == {"tcp"}


async def test_leaving_leaves_nothing_behind(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    await guest.watch(producer)
    (worker,) = hall.services.sfu._pool.workers
    await guest.ok("exitRoom")
    await host.ok("room:end")
    assert worker.load == 0 and worker.routers == 0
    assert not worker.worker.routers and not worker.server.transports
    dump = await worker.worker.dump()
    assert dump["routerIds"] == []


async def test_a_large_room_spills_over_to_the_next_worker(make_hall: Any) -> None:
    hall = await make_hall(media_workers=2, consumers_per_worker=2)
    room_id, host, guests = await hall.stage(3)
    sending = await host.transport()
    producers = [await host.publish("camera", 1, sending), await host.publish("mic", 2, sending)]
    for guest in guests:
        receiving = await guest.transport("recv")
        for producer in producers:
            assert (await guest.watch(producer, receiving))["producerId"] == producer
    (media_room,) = hall.services.sfu._rooms.values()
    assert len(media_room.routers) == 2
    await host.ok("videoPaused")
    for guest in guests:
        await guest.hear("consumerPaused", producer_id=producers[0])
    await host.ok("producerClosed", {"producer_id": producers[0]})
    for guest in guests:
        await guest.hear("consumerClosed", producer_id=producers[0])
    await host.ok("room:end")
    assert all(not media.worker.routers and media.load == 0 for media in hall.services.sfu._pool.workers)
    assert room_id not in hall.services.live.rooms


async def test_an_owner_hears_when_a_host_ends_their_producer(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    request = await guest.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    producer = await guest.publish()
    await host.ok("producerClosed", {"producer_id": producer})
    await guest.hear("producerClosed", producer_id=producer)
    assert "producerClosed" not in host.names()


async def test_a_stopped_screen_names_the_socket_that_shared_it(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    await host.publish("screen")
    await host.ok("screen:shared")
    shared = await guest.hear("screen:shared")
    await host.ok("exitRoom")
    assert (await guest.hear("screen:stopped"))["socketId"] == shared["socketId"]


async def test_kind_and_type_go_together(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    transport = await host.transport()
    for kind, source in (("audio", "camera"), ("audio", "screen"), ("video", "mic"), ("video", "screen-audio")):
        body = {"producerTransportId": transport, "kind": kind, "rtpParameters": {}, "appData": {"type": source}}
        assert await host.code("produce", body) == "invalid_input"
    request = await guest.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    await host.publish("screen", transport=transport)
    body = {
        "producerTransportId": await guest.transport(),
        "kind": "audio",
        "rtpParameters": {},
        "appData": {"type": "screen-audio"},
    }
    assert await guest.code("produce", body) == "screen_busy"
