"""Several nodes at a real Redis: what one says the others hear, and a Redis that goes away harms nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
import pytest
from redis.asyncio import Redis
from redis_server import RedisServer, running_redis
from rostrum.kit.bus import CHANNEL, Bus, RedisBus
from rostrum.kit.errors import RateLimited
from rostrum.kit.ratelimit import RateLimiter


class Node:
    """A bus and what it has heard."""

    def __init__(self, url: str) -> None:
        self.bus = RedisBus(url)
        self.heard: list[bytes] = []
        self.gaps = 0
        self.bus.subscribe("news", self._hear)
        self.bus.on_gap(self._gap)

    async def _hear(self, message: bytes) -> None:
        self.heard.append(message)
        if message == b"bad":
            raise ValueError("a hearer may fail")

    async def _gap(self) -> None:
        self.gaps += 1


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
async def nodes(redis: RedisServer) -> AsyncIterator[list[Node]]:
    made = [Node(redis.url) for _ in range(3)]
    for node in made:
        await node.bus.start()
    await _until(lambda: not any(node.bus.problem() for node in made))
    yield made
    for node in made:
        await node.bus.close()
        await node.bus.close()


async def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_the_others_hear_everything_in_order(nodes: list[Node]) -> None:
    one, two, three = nodes
    said = [str(number).encode() for number in range(1000)]
    for message in said:
        one.bus.publish("news", message)
        one.bus.publish("nobody listens to this", message)
    two.bus.publish("news", b"bad")
    two.bus.publish("news", b"two")
    await _until(lambda: len(three.heard) == 1002 and len(two.heard) == 1000 and len(one.heard) == 2)
    assert two.heard == [message for message in three.heard if message not in (b"bad", b"two")] == said
    assert one.heard == [b"bad", b"two"]
    assert [node.gaps for node in nodes] == [0, 0, 0]


async def test_what_is_no_message_is_passed_over(nodes: list[Node], redis: RedisServer) -> None:
    async with Redis.from_url(redis.url) as stranger:
        for junk in (b"junk", b"", msgspec.msgpack.encode(["x", "news"]), msgspec.msgpack.encode([1, 2, 3])):
            await stranger.publish(CHANNEL, junk)
    nodes[0].bus.publish("news", b"sound")
    await _until(lambda: nodes[1].heard == [b"sound"])
    assert not nodes[1].bus.problem() and nodes[1].gaps == 0


async def test_whoever_may_have_missed_something_is_told(nodes: list[Node], redis: RedisServer) -> None:
    one, two, three = nodes
    redis.kill()
    await _until(lambda: all(node.bus.problem() == "Redis does not answer" for node in nodes))
    one.bus.publish("news", b"lost")
    await asyncio.sleep(0.5)
    redis.start()
    await _until(lambda: not any(node.bus.problem() for node in nodes), 3)
    await _until(lambda: min(node.gaps for node in nodes) >= 1, 3)
    one.bus.publish("news", b"new")
    await _until(lambda: bool(two.heard and three.heard), 3)
    assert two.heard == three.heard == [b"new"]


async def test_a_loss_on_the_way_out_is_told_to_those_who_listened(nodes: list[Node]) -> None:
    one, two, _three = nodes
    # The queue is full, as when Redis takes nothing for a long while; the listeners notice nothing of it.
    for _ in range(one.bus._outgoing.maxsize + 5):
        one.bus.publish("news", b"x")
    await _until(lambda: two.gaps == 1)


async def test_a_redis_that_halts_counts_as_away(nodes: list[Node], redis: RedisServer) -> None:
    redis.halt()
    await _until(lambda: bool(nodes[0].bus.problem()), 15)
    redis.go_on()
    await _until(lambda: not nodes[0].bus.problem() and nodes[0].gaps >= 1)


async def test_a_redis_that_comes_later_is_waited_for(redis: RedisServer) -> None:
    redis.kill()
    node = Node(redis.url)
    await node.bus.start()
    assert node.bus.problem()
    redis.start()
    await _until(lambda: not node.bus.problem())
    await node.bus.close()


async def test_one_node_alone_needs_no_redis() -> None:
    bus = Bus()
    await bus.start()
    bus.publish("news", b"x")
    assert bus.problem() == ""
    await bus.close()


async def _hits(limiter: RateLimiter, count: int) -> int:
    taken = 0
    for _ in range(count):
        try:
            await limiter.hit("5/minute", "door", "ada")
            taken += 1
        except RateLimited as error:
            assert error.retry_after is not None and 0 < error.retry_after <= 61
    return taken


async def test_nodes_count_limits_together(redis: RedisServer) -> None:
    one, two = RateLimiter(redis.url), RateLimiter(redis.url)
    assert await _hits(one, 3) + await _hits(two, 5) == 5
    with pytest.raises(RateLimited):
        await one.check("5/minute", "door", "ada")
    await two.clear("5/minute", "door", "ada")
    await one.check("5/minute", "door", "ada")
    # While Redis is away each node counts for itself, and still counts.
    redis.kill()
    assert [await _hits(limiter, 8) for limiter in (one, two)] == [5, 5]
    redis.start()
    await asyncio.sleep(1.2)
    assert await _hits(one, 3) + await _hits(two, 5) == 5
