"""Leases and links at a real Redis: one leader a room at any time, and nothing lost between two nodes unnoticed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from redis_server import RedisServer, running_redis
from rostrum.kit import links as links_module
from rostrum.kit import tasks
from rostrum.kit.bus import Bus, RedisBus
from rostrum.kit.cluster import Cluster, NodeUnreachable, RedisCluster
from rostrum.kit.leases import LEASE_SECONDS
from rostrum.kit.links import TOPIC, Link, Links

ROOM = "a" * 24


class Word(msgspec.Struct, array_like=True, frozen=True, tag="word"):
    """What these nodes say to one another."""

    text: str


class Node:
    """A bus, its leases and its links, and what has come of them."""

    def __init__(self, url: str) -> None:
        self.bus = RedisBus(url)
        self.cluster = RedisCluster(self.bus, url)
        self.links: Links[Word] = Links(self.bus, Word, self._take, self._break)
        self.open: set[str] = set()
        self.cluster.holds = lambda room_id: room_id in self.open
        self.cluster.on_lost(self._lose)
        self.lost: list[str] = []
        self.heard: list[str] = []
        self.broken: list[Link[Word]] = []
        self.answer_to = ""

    @property
    def id(self) -> str:
        return self.bus.node

    async def start(self) -> "Node":
        await self.bus.start()
        await self.cluster.start()
        self.links.start()
        await _until(lambda: not self.bus.problem())
        return self

    async def close(self) -> None:
        await self.links.close()
        await self.cluster.close()
        await self.bus.close()

    def say(self, to: "Node", *texts: str) -> Link[Word]:
        link = self.links.to(to.id)
        for text in texts:
            link.send(Word(text))
        return link

    def _take(self, link: Link[Word], word: Word) -> None:
        if word.text == "bad":
            raise ValueError("this cannot be taken in")
        self.heard.append(word.text)
        if word.text == "answer":
            link.send(Word("yes"))

    def _break(self, link: Link[Word]) -> None:
        self.broken.append(link)

    async def _lose(self, room_id: str) -> None:
        self.lost.append(room_id)
        self.open.discard(room_id)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
async def look(redis: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis.url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def nodes(redis: RedisServer) -> AsyncIterator[list[Node]]:
    made = [await Node(redis.url).start() for _ in range(3)]
    yield made
    for node in made:
        await node.close()


async def _until(condition: Callable[[], Any], seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_many_who_ask_at_once_get_one_leader(nodes: list[Node], look: Redis) -> None:
    told = await asyncio.gather(*(node.cluster.lead(ROOM) for node in nodes * 20))
    assert len(set(told)) == 1
    (leader,) = [node for node in nodes if node.id == told[0]]
    others = [node for node in nodes if node is not leader]
    assert leader.cluster.leads(ROOM) and not any(node.cluster.leads(ROOM) for node in others)
    assert await others[0].cluster.led([ROOM, "b" * 24]) == {ROOM}
    assert await leader.cluster.led([ROOM]) == set()
    leader.open.add(ROOM)
    await leader.cluster.release(ROOM)
    assert await others[0].cluster.lead(ROOM) == leader.id
    leader.open.clear()
    await leader.cluster.release(ROOM)
    assert await others[0].cluster.lead(ROOM) == others[0].id
    await leader.cluster.release(ROOM)  # Nobody releases what another one leads.
    assert await look.get(f"rostrum:leads:{ROOM}") == others[0].id


async def test_claims_and_releases_that_cross_never_leave_two_leaders(nodes: list[Node], look: Redis) -> None:
    async def come_and_go(node: Node) -> None:
        for _ in range(40):
            if await node.cluster.lead(ROOM) == node.id:
                assert sum(one.cluster.leads(ROOM) for one in nodes) == 1
                assert await look.get(f"rostrum:leads:{ROOM}") == node.id
                await asyncio.gather(node.cluster.release(ROOM), node.cluster.lead("b" * 24))
            await asyncio.sleep(0)

    await asyncio.gather(*(come_and_go(node) for node in nodes))


async def test_who_retires_is_followed_at_once_and_leads_nothing_more(nodes: list[Node]) -> None:
    one, two, _three = nodes
    assert await one.cluster.lead(ROOM) == one.id
    await one.cluster.retire()
    assert await two.cluster.lead(ROOM) == two.id
    with pytest.raises(NodeUnreachable):
        await one.cluster.lead("b" * 24)


async def test_a_redis_that_forgets_everything_gives_rooms_back_to_their_leaders(
    nodes: list[Node], redis: RedisServer
) -> None:
    one, two, _three = nodes
    rooms = [f"{number:024x}" for number in range(50)]
    for room_id in rooms:
        assert await one.cluster.lead(room_id) == one.id
    redis.kill()
    await _until(lambda: all(node.bus.problem() for node in nodes))
    with pytest.raises(NodeUnreachable):
        await two.cluster.lead(rooms[0])
    assert await one.cluster.lead(rooms[0]) == one.id  # It knows that without Redis.
    assert await two.cluster.led(rooms) == set()
    redis.start()
    await _until(lambda: not two.bus.problem())
    assert {await two.cluster.lead(room_id) for room_id in rooms} == {one.id}
    assert one.lost == []


async def _keep_asking(node: Node, rooms: list[str]) -> None:
    """As clients at another node do, who try again and again to join rooms of the first one."""
    while True:
        for room_id in rooms:
            with contextlib.suppress(NodeUnreachable):
                await node.cluster.lead(room_id)
        await asyncio.sleep(0.05)


async def _led_by_the_first(nodes: list[Node]) -> list[str]:
    rooms = [f"{number:024x}" for number in range(50)]
    for room_id in rooms:
        assert await nodes[0].cluster.lead(room_id) == nodes[0].id
    return rooms


async def test_nobody_steals_a_room_while_redis_comes_back_empty(nodes: list[Node], redis: RedisServer) -> None:
    rooms = await _led_by_the_first(nodes)
    redis.kill()
    await _until(lambda: all(node.bus.problem() for node in nodes))
    asking = [asyncio.create_task(_keep_asking(nodes[1], [room_id])) for room_id in rooms]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(redis.start)
    await asyncio.sleep(3)
    await tasks.end(*asking)
    assert nodes[0].lost == [] and not nodes[1].cluster._rooms


async def test_nobody_steals_a_room_by_what_a_halted_redis_does_late(nodes: list[Node], redis: RedisServer) -> None:
    rooms = await _led_by_the_first(nodes)
    asking = [asyncio.create_task(_keep_asking(nodes[1], [room_id])) for room_id in rooms]
    await asyncio.sleep(0.3)
    redis.halt()
    await asyncio.sleep(LEASE_SECONDS + 1.5)
    redis.go_on()
    await asyncio.sleep(3)
    await tasks.end(*asking)
    assert nodes[0].lost == [] and not nodes[1].cluster._rooms


async def test_a_node_without_redis_still_releases_and_retires_in_time(nodes: list[Node], redis: RedisServer) -> None:
    one = nodes[0]
    assert await one.cluster.lead(ROOM) == one.id
    one.open.add(ROOM)
    redis.halt()
    try:
        waiting = [asyncio.create_task(_keep_asking(one, [f"{number:024x}"])) for number in range(200)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(0.5):  # Nobody waits for Redis who asks for what this node leads.
            assert await one.cluster.lead(ROOM) == one.id
            await one.cluster.release(ROOM)
        async with asyncio.timeout(1.5):
            await one.cluster.retire()
    finally:
        redis.go_on()
    await tasks.end(*waiting)


async def test_whose_lease_ran_out_loses_its_rooms(nodes: list[Node], look: Redis) -> None:
    one, two, _three = nodes
    assert await one.cluster.lead(ROOM) == one.id
    assert await one.cluster.lead("b" * 24) == one.id
    await look.delete(f"rostrum:node:{one.id}")
    assert await two.cluster.lead(ROOM) == two.id
    await _until(lambda: one.lost == [ROOM])
    assert one.cluster.leads("b" * 24) and not one.cluster.leads(ROOM)
    assert await one.cluster.lead(ROOM) == two.id


async def test_words_come_in_order_and_are_answered(nodes: list[Node]) -> None:
    one, two, three = nodes
    said = [str(number) for number in range(500)]
    one.say(two, *said[:250])
    three.say(two, "answer")
    await asyncio.sleep(0.05)
    one.say(two, *said[250:], "answer")
    await _until(lambda: one.heard == ["yes"] and three.heard == ["yes"])
    assert [word for word in two.heard if word != "answer"] == said
    await asyncio.sleep(2.2 * links_module.BEAT_SECONDS)  # Beats keep them.
    assert not any(node.broken for node in nodes)


async def test_a_loss_ends_the_link_at_both_ends_and_the_next_word_begins_another(
    nodes: list[Node], monkeypatch: Any
) -> None:
    one, two, _three = nodes
    first = one.say(two, "a")
    await _until(lambda: two.heard == ["a"])
    with monkeypatch.context() as patch:
        patch.setattr(one.bus, "publish", lambda *_, **__: None)
        one.say(two, "lost")
        await asyncio.sleep(0.05)
    one.say(two, "after")
    await _until(lambda: bool(one.broken and two.broken))
    assert first.broken and "after" not in two.heard
    assert one.say(two, "b") is not first
    await _until(lambda: two.heard == ["a", "b"])


async def test_a_word_that_cannot_be_taken_in_ends_the_link(nodes: list[Node]) -> None:
    one, two, _three = nodes
    one.say(two, "a", "bad", "c")
    await _until(lambda: bool(one.broken and two.broken))
    assert two.heard == ["a"]


async def test_a_node_that_forgot_a_link_says_so(nodes: list[Node]) -> None:
    one, two, _three = nodes
    one.say(two, "a")
    await _until(lambda: two.heard == ["a"])
    two.links._links.clear()
    one.say(two, "b")
    await _until(lambda: bool(one.broken))
    assert two.heard == ["a"]


async def test_words_to_nobody_are_noticed(nodes: list[Node], redis: RedisServer) -> None:
    one, two, _three = nodes
    stranger = Node(redis.url)
    one.say(stranger, "a")
    await _until(lambda: bool(one.broken), 2)
    # And to somebody who has gone without a word.
    one.say(two, "answer")
    await _until(lambda: one.heard == ["yes"])
    for task in two.bus._tasks:
        task.cancel()
    await _until(lambda: len(one.broken) == 2, 3)
    await stranger.close()


async def test_a_node_that_stands_still_is_given_up(nodes: list[Node], monkeypatch: Any) -> None:
    one, two, _three = nodes
    monkeypatch.setattr(links_module, "SILENT_SECONDS", 2.0)
    one.say(two, "answer")
    await _until(lambda: one.heard == ["yes"])
    two.links._beating.cancel()  # type: ignore[union-attr]
    two.bus._hearers[TOPIC].clear()
    await _until(lambda: bool(one.broken), 5)


async def test_silence_while_redis_is_away_says_nothing(
    nodes: list[Node], redis: RedisServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(links_module, "SILENT_SECONDS", 1.5)
    one, two, _three = nodes
    one.say(two, "answer")
    await _until(lambda: one.heard == ["yes"])
    redis.kill()
    await _until(lambda: all(node.bus.problem() for node in nodes))
    await asyncio.sleep(3)
    assert not one.broken and not two.broken
    redis.start()
    # What was said meanwhile is lost, and that is noticed.
    await _until(lambda: bool(one.broken and two.broken))


async def test_one_node_alone_leads_everything() -> None:
    cluster = Cluster(Bus())
    await cluster.start()
    assert await cluster.lead(ROOM) == cluster.node and cluster.leads(ROOM)
    await cluster.release(ROOM)
    assert await cluster.led([ROOM]) == set()
    await cluster.retire()
    await cluster.close()
