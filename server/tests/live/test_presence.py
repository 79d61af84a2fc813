"""Presence at scale: an audience that comes, goes and claps costs a handful of events, and the counts are right."""

import asyncio
from collections import Counter
from typing import Any

AUDIENCE = 220


async def _crowd(hall: Any, room_id: str, size: int) -> list[Any]:
    """Guests who join at the same time, twenty at once."""
    turns = asyncio.Semaphore(20)

    async def guest(number: int) -> Any:
        async with turns:
            client = await hall.client()
            await client.join(room_id, f"Guest {number}")
            return client

    return list(await asyncio.gather(*(guest(number) for number in range(size))))


def _told(client: Any, event: str) -> list[Any]:
    return [body for name, body in client.heard if name == event]


async def _until_count(client: Any, count: int) -> None:
    async with asyncio.timeout(20):
        while not (told := _told(client, "viewerCount")) or told[-1]["count"] != count:
            await asyncio.sleep(0.05)


async def test_a_large_audience_comes_and_goes(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    began = asyncio.get_running_loop().time()
    crowd = await _crowd(hall, room_id, AUDIENCE)
    await _until_count(host, AUDIENCE)
    seconds = asyncio.get_running_loop().time() - began
    # The first fifty by name, the rest in batches that together count everybody exactly once.
    named = [body["name"] for body in _told(host, "peerJoined")]
    batches = _told(host, "presence")
    assert len(named) + sum(batch["joinedCount"] for batch in batches) == AUDIENCE
    assert 49 <= len(named) <= 50
    for batch in batches:
        assert len(batch["joined"]) == min(100, batch["joinedCount"])
    assert len(batches) <= seconds + 1 and len(_told(host, "viewerCount")) <= seconds + 2
    assert batches[-1]["count"] == AUDIENCE + 1 and batches[-1]["viewerCount"] == AUDIENCE

    late = await hall.client()
    joined = await late.join(room_id, "Late")
    assert [peer["name"] for peer in joined["peers"]] == ["Host"]
    assert joined["room"]["peerCount"] == AUDIENCE + 2
    info = await late.ok("getMyRoomInfo")
    assert [peer["name"] for peer in info["peers"]] == ["Host"]

    # Who steps onto the stage is announced at once and by name, also to those who never heard of them.
    host.heard.clear()
    request = (await crowd[-1].ok("cohost:request"))["requestId"]
    await host.ok("cohost:respond", {"requestId": request, "accepted": True})
    changed = await late.hear("roleChanged")
    assert changed == {"id": crowd[-1].joined["id"], "name": crowd[-1].joined["name"], "role": "cohost"}

    host.heard.clear()
    await asyncio.gather(*(client.ok("exitRoom") for client in crowd[:-1]))
    await _until_count(host, 1)
    batches = _told(host, "presence")
    left = len(_told(host, "peerLeft")) + sum(batch["leftCount"] for batch in batches)
    assert left == AUDIENCE - 1
    for batch in batches:
        assert len(batch["left"]) == min(100, batch["leftCount"])


async def test_an_audience_that_comes_back_finds_itself(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    crowd = await _crowd(hall, room_id, 60)
    await _until_count(host, 60)
    host.heard.clear()
    before = {client.joined["resume"]: client.joined["id"] for client in crowd}
    await asyncio.gather(*(client.drop() for client in crowd))

    async def back(resume: str) -> tuple[str, bool]:
        client = await hall.client()
        joined = await client.join(room_id, "Somebody", resume=resume)
        return joined["id"], joined["resumed"]

    assert await asyncio.gather(*map(back, before)) == [(peer_id, True) for peer_id in before.values()]
    assert (await host.ok("getMyRoomInfo"))["room"]["viewerCount"] == 60
    assert not {"peerJoined", "peerLeft", "presence", "viewerCount"} & set(host.names())


async def test_who_changes_role_at_once_is_announced_before(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    await _crowd(hall, room_id, 51)
    await _until_count(host, 51)
    await asyncio.sleep(1.2)
    host.heard.clear()
    (new,) = await _crowd(hall, room_id, 1)
    request = (await new.ok("cohost:request"))["requestId"]
    await host.ok("cohost:respond", {"requestId": request, "accepted": True})
    await host.hear("roleChanged", id=new.joined["id"])
    await asyncio.sleep(1.2)
    told = [body["id"] for body in _told(host, "peerJoined")]
    told += [peer["id"] for batch in _told(host, "presence") for peer in batch["joined"]]
    assert told == [new.joined["id"]]


async def test_reactions_come_as_sums(hall: Any) -> None:
    _room, host, guests = await hall.stage(20)
    began = asyncio.get_running_loop().time()
    for kind, each in (("clap", 5), ("heart", 2)):
        await asyncio.gather(*(guest.ok("reaction", {"kind": kind}) for guest in guests for _ in range(each)))
    async with asyncio.timeout(10):
        while sum(map(_sum, _told(host, "reactions"))) < 140:
            await asyncio.sleep(0.05)
    seconds = asyncio.get_running_loop().time() - began
    total = sum((Counter(body["counts"]) for body in _told(host, "reactions")), Counter())
    assert total == {"clap": 100, "heart": 40}
    assert len(_told(host, "reactions")) <= seconds + 2
    assert len(_told(guests[0], "reactions")) == len(_told(host, "reactions"))
    assert await host.code("reaction", {"kind": "<img>"}) == "invalid_input"
    assert await host.code("reaction") == "invalid_input"
    answers = [await guests[0].call("reaction", {"kind": "hand"}) for _ in range(20)]
    assert {answer.get("code") for answer in answers[-7:]} == {"rate_limited"}
    outsider = await hall.client()
    assert await outsider.code("reaction", {"kind": "clap"}) == "not_in_room"


def _sum(body: dict[str, Any]) -> int:
    return sum(body["counts"].values())
