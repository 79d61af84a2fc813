"""F1 to F4 on the server's side: workers that die or hang, and a server that is killed."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from rostrum.sfu.pool import WorkerPool, resolve_addresses


async def test_a_killed_worker_is_told_and_replaced(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    await guest.watch(producer)
    (worker,) = hall.services.sfu._pool.workers
    before = len(list(Path("/proc/self/fd").iterdir()))
    os.kill(worker.worker.pid, signal.SIGKILL)
    killed = time.monotonic()
    for client in (host, guest):
        assert (await client.hear("mediaReset"))["reason"] == "worker_died"
    assert time.monotonic() - killed < 1
    assert await guest.call("getProducers") == []
    again = await _retry(host.publish)
    consumer = await _retry(lambda: guest.watch(again))
    assert consumer["producerId"] == again
    assert time.monotonic() - killed < 5
    await asyncio.sleep(0.2)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


async def test_rooms_on_other_workers_lose_nothing(make_hall: Any) -> None:
    hall = await make_hall(media_workers=2)
    _one, host, (guest,) = await hall.stage()
    producer = await host.publish()
    await guest.watch(producer)
    _two, other_host, (other_guest,) = await hall.stage()
    other = await other_host.publish()
    await other_guest.watch(other)
    rooms = list(hall.services.sfu._rooms.values())
    first, second = (next(iter(room.routers)) for room in rooms)
    assert first is not second
    os.kill(first.worker.pid, signal.SIGKILL)
    await host.hear("mediaReset")
    await guest.hear("mediaReset")
    assert [entry["producer_id"] for entry in await other_guest.call("getProducers")] == [other]
    assert not {"mediaReset", "consumerClosed"} & {*other_host.names(), *other_guest.names()}
    await _retry(host.publish)


async def test_only_the_affected_part_of_a_spread_room_is_reset(make_hall: Any) -> None:
    hall = await make_hall(media_workers=2, consumers_per_worker=2)
    _room, host, (guest,) = await hall.stage()
    producer = await host.publish()
    await guest.watch(producer)
    (media_room,) = hall.services.sfu._rooms.values()
    hosts_worker, guests_worker = media_room.routers
    os.kill(hosts_worker.worker.pid, signal.SIGKILL)
    await host.hear("mediaReset")
    await guest.hear("consumerClosed", producer_id=producer)
    assert "mediaReset" not in guest.names() and guests_worker.alive
    # Only then the host's place is on the new worker, and not for want of one beside the viewer.
    async with asyncio.timeout(10):
        while len(hall.services.sfu._pool.workers) < 2:
            await asyncio.sleep(0.05)
    again = await _retry(host.publish)
    await _retry(lambda: guest.watch(again))
    # And the other way round: the viewer's worker dies, the host's stream is piped to the new one.
    placed = media_room.of(next(peer for peer in media_room.live.peers.values() if peer.name == "Viewer 0")).router
    os.kill(placed.media_worker.worker.pid, signal.SIGKILL)
    await guest.hear("mediaReset")
    assert (await _retry(lambda: guest.watch(again)))["producerId"] == again


async def test_a_stopped_worker_is_noticed_and_replaced(hall: Any) -> None:
    _room, host, _guests = await hall.stage(0)
    await host.publish()
    (worker,) = hall.services.sfu._pool.workers
    os.kill(worker.worker.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    assert await host.code("createWebRtcTransport", {}) == "media_restarting"
    await host.hear("mediaReset", timeout=6)
    assert time.monotonic() - stopped < 6
    await _retry(host.publish)


async def test_a_worker_that_never_starts(tmp_path: Any) -> None:
    broken = tmp_path / "worker"
    broken.write_text("#!/bin/sh\necho started >> " + str(tmp_path / "starts") + "\nexit 40\n")
    broken.chmod(0o755)
    pool = WorkerPool(count=1, binary=broken, port=0, addresses=["127.0.0.1"], announced="")
    await pool.start()
    try:
        assert not pool.workers and pool.last_error
        await asyncio.sleep(3)
        assert len((tmp_path / "starts").read_text().split()) <= 5
    finally:
        await pool.close()


async def test_a_server_that_was_killed_goes_on_with_the_session(make_hall: Any) -> None:
    hall = await make_hall()
    room_id, host, (guest,) = await hall.stage()
    session = host.joined["room"]["sessionId"]
    sent = await host.ok("sendMessage", {"message": "before"})
    request = await guest.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    await host.ok("room:lock", {"locked": True})
    await asyncio.sleep(0.6)
    # A second server on the same data, as after a SIGKILL of the first: nothing was ended properly.
    again = await make_hall()
    client = await again.client(host.auth["token"])
    answer = await client.join(room_id, "Host", resume=host.joined["resume"])
    assert answer["resumed"] is False and answer["role"] == "host"
    assert answer["room"]["sessionId"] == session and answer["room"]["locked"] is True
    assert [message["id"] for message in answer["chatHistory"]] == [sent["id"]]


async def test_roles_of_a_session_that_nobody_came_back_to_end_with_it(make_hall: Any) -> None:
    hall = await make_hall()
    room_id, host, _guests = await hall.stage(0)
    token = await hall.user("vera")
    vera = await hall.client(token)
    await vera.join(room_id)
    request = await vera.ok("cohost:request")
    await host.ok("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    await asyncio.sleep(0.6)
    again = await make_hall()
    await again.services.live.open_rooms.interruptions.settle()
    answer = await (await again.client(token)).join(room_id)
    assert answer["role"] == "viewer" and answer["room"]["sessionId"] != vera.joined["room"]["sessionId"]


def test_addresses() -> None:
    assert resolve_addresses(["127.0.0.1", "127.0.0.1"]) == ["127.0.0.1"]
    assert resolve_addresses(["auto"])[-1] == "127.0.0.1"


async def _retry(attempt: Any) -> Any:
    """As the SDK does: again after a moment while the engine restarts."""
    for _ in range(40):
        try:
            return await attempt()
        except AssertionError as error:
            if "media_restarting" not in str(error):
                raise
            await asyncio.sleep(0.1)
    raise AssertionError("the engine did not come back")
