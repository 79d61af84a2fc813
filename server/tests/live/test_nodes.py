"""F7, and two nodes that share a database and a Redis: chat reaches both, and a Redis that goes away costs little."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from redis_server import RedisServer, running_redis

AWAY_SECONDS = 15


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
async def nodes(new_postgresql: Any, redis: RedisServer, make_hall: Any) -> list[Any]:
    """Two servers, as two nodes run them."""
    shared = {"database_url": SecretStr(new_postgresql()), "redis_url": SecretStr(redis.url)}
    return [await make_hall(**shared) for _ in range(2)]


async def _meeting(nodes: list[Any]) -> tuple[str, list[Any]]:
    """A room with somebody of each node in it."""
    token = await nodes[0].user("ada")
    room_id = await nodes[0].room(token)
    clients = [await nodes[0].client(token), await nodes[1].client()]
    for client in clients:
        await client.join(room_id)
    return room_id, clients


async def _status(node: Any, path: str) -> tuple[int, str]:
    async with httpx.AsyncClient(base_url=node.url) as client:
        answer = await client.get(path)
        return answer.status_code, answer.text


async def test_chat_reaches_the_other_node_once_and_in_order(nodes: list[Any]) -> None:
    room_id, (ada, bob) = await _meeting(nodes)
    for number in range(10):
        await (ada, bob)[number % 2].ok("sendMessage", {"message": str(number), "clientId": str(number)})
    await ada.ok("sendMessage", {"message": "0", "clientId": "0"})
    last = await bob.ok("sendMessage", {"message": "last"})
    await ada.hear("sendMessage", id=last["id"])
    for client, first in ((ada, 1), (bob, 0)):
        heard = [body["message"] for name, body in client.heard if name == "message" and body["message"] != "last"]
        assert heard == [str(number) for number in range(first, 10, 2)]
    for node in nodes:
        late = await node.client()
        history = (await late.join(room_id))["chatHistory"]
        assert [body["message"] for body in history] == [*map(str, range(10)), "last"]


async def test_redis_goes_away_and_comes_back(nodes: list[Any], redis: RedisServer) -> None:
    _room, (ada, bob) = await _meeting(nodes)
    producer = await ada.publish()
    assert [(await _status(node, "/readyz"))[0] for node in nodes] == [200, 200]
    redis.kill()
    gone = time.monotonic()
    said = await ada.ok("sendMessage", {"message": "You do not hear this yet."})
    async with asyncio.timeout(5):
        while (await _status(nodes[0], "/readyz"))[0] != 503:
            await asyncio.sleep(0.1)
    assert "Redis does not answer" in (await _status(nodes[0], "/readyz"))[1]
    assert [(await _status(node, "/healthz"))[0] for node in nodes] == [200, 200]
    # Media, joining, chat and limits on one node know nothing of Redis.
    near = await nodes[0].client()
    await near.join(ada.joined["room"]["id"])
    await near.watch(producer)
    here = await near.ok("sendMessage", {"message": "And I am here."})
    assert (await ada.hear("message"))["id"] == here["id"]
    await asyncio.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - gone)))
    assert "message" not in bob.names() and "consumerClosed" not in near.names()
    redis.start()
    back = time.monotonic()
    assert [(await bob.hear("message"))["id"] for _ in range(2)] == [said["id"], here["id"]]
    answer = await bob.ok("sendMessage", {"message": "Now I do."})
    await ada.hear("message", id=answer["id"])
    assert time.monotonic() - back < 3
    assert [(await _status(node, "/readyz"))[0] for node in nodes] == [200, 200]
    assert [name for name in bob.names() if name in ("message", "sendMessage")] == ["sendMessage"] * 2
