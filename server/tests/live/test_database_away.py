"""PostgreSQL restarts, dies, hangs, is not there yet, or has no connection left: 503, and back within seconds."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from postgres_cluster import DURABLE, Cluster, ending
from pydantic import SecretStr

MakeHall = Callable[..., Awaitable[Any]]
SHORT = {"database_wait_seconds": 0.5, "database_connect_seconds": 1, "database_statement_seconds": 1}
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rostrum'"
STUCK = f"{OPEN} AND state <> 'idle'"


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that the test may harm, with an empty database."""
    with ending(Cluster(*DURABLE).start()) as made:
        made.sql("CREATE DATABASE rostrum")
        yield made


def _on(cluster: Cluster, **changes: Any) -> dict[str, Any]:
    return {"database_url": SecretStr(cluster.tcp_url("rostrum")), "database_connections": 4, **changes}


async def _client(hall: Any) -> httpx.AsyncClient:
    tenants = hall.services.tenants
    key = await tenants.create_key((await tenants.default()).id, "secret", "tests")
    return httpx.AsyncClient(base_url=hall.url, headers={"x-api-key": key.key}, timeout=60)


def _is_unavailable(answer: httpx.Response) -> bool:
    body = answer.json()
    return (
        answer.status_code == 503
        and int(answer.headers["retry-after"]) > 0
        and body["code"] in ("database_unavailable", "unavailable")
        and body["success"] is False
        and body["requestId"] == answer.headers["x-request-id"]
    )


async def _health(client: httpx.AsyncClient) -> tuple[int, int]:
    return (await client.get("/healthz")).status_code, (await client.get("/readyz")).status_code


async def _back(client: httpx.AsyncClient, within: float = 5) -> None:
    """Wait until a write works and the server says that it is ready."""
    began = time.monotonic()
    while True:
        answer = await client.post("/room/create", json={"name": "Back", "type": "webinar"})
        if answer.status_code == 201 and await _health(client) == (200, 200):
            break
        assert _is_unavailable(answer) or answer.status_code == 201
        await asyncio.sleep(0.1)
    assert time.monotonic() - began < within


async def _settled(cluster: Cluster, most: int) -> None:
    for _ in range(100):
        if int(cluster.sql(OPEN)) <= most and int(cluster.sql(STUCK)) == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(cluster.sql("SELECT state, wait_event, query FROM pg_stat_activity"))


class Traffic:
    """Rooms made over REST, and messages sent over a socket, without a pause; what was answered."""

    def __init__(self, client: httpx.AsyncClient, socket: Any, room_id: str) -> None:
        self.client, self.socket, self.room_id = client, socket, room_id
        self.rooms: list[str] = []
        self.messages: list[str] = []
        self.refused: Counter[str] = Counter()
        self._ended = asyncio.Event()
        self._tasks = [asyncio.create_task(work()) for work in (*[self._rest] * 6, self._chat)]

    async def _rest(self) -> None:
        while not self._ended.is_set():
            answer = await self.client.post("/room/create", json={"name": "A", "type": "webinar"})
            if answer.status_code == 201:
                self.rooms.append(answer.json()["data"]["id"])
                await asyncio.sleep(0.01)
            else:
                assert _is_unavailable(answer), (answer.status_code, answer.text)
                self.refused["rest"] += 1
                await asyncio.sleep(0.05)

    async def _chat(self) -> None:
        for number in range(1, 10_000):
            if self._ended.is_set():
                return
            text = f"Message {number}"
            answer = await self.socket.call(
                "sendMessage", {"room_id": self.room_id, "message": text, "clientId": f"c{number}"}, timeout=60
            )
            if "error" in answer:
                assert answer["code"] == "database_unavailable", answer
                self.refused["chat"] += 1
            else:
                self.messages.append(text)
            await asyncio.sleep(0.2)

    async def end(self) -> None:
        self._ended.set()
        await asyncio.gather(*self._tasks)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_restarted_in_mid_traffic(make_hall: MakeHall, own_cluster: Cluster, how: signal.Signals) -> None:
    hall = await make_hall(**_on(own_cluster))
    client = await _client(hall)
    room_id, host, _guests = await hall.stage(viewers=1)
    late = await hall.client()
    traffic = Traffic(client, host, room_id)
    await asyncio.sleep(1)
    own_cluster.stop(how)
    assert await _health(client) == (200, 503)
    assert (await late.call("join", {"room_id": "0" * 24, "name": "Late"}, timeout=30))[
        "code"
    ] == "database_unavailable"
    await asyncio.sleep(1)
    own_cluster.start()
    await _back(client)
    await asyncio.sleep(1)
    await traffic.end()
    assert traffic.refused["rest"] and traffic.refused["chat"] and traffic.rooms and traffic.messages
    assert set(traffic.rooms) <= set(own_cluster.sql("SELECT id FROM rooms", "rostrum").split())
    history = [message["message"] for message in (await late.join(room_id))["chatHistory"]]
    assert Counter(history) >= Counter(traffic.messages) and max(Counter(history).values()) == 1
    await _settled(own_cluster, 4)
    await client.aclose()


async def test_no_connection_left(make_hall: MakeHall, own_cluster: Cluster) -> None:
    hall = await make_hall(**_on(own_cluster, database_connections=2, database_wait_seconds=0.5))
    client = await _client(hall)
    release = asyncio.Event()
    held = asyncio.Barrier(3)

    async def hold() -> None:
        async with hall.services.db.session():
            await held.wait()
            await release.wait()

    holders = [asyncio.create_task(hold()) for _ in range(2)]
    await held.wait()
    new = {"name": "A", "type": "webinar"}
    answers = await asyncio.gather(*(client.post("/room/create", json=new) for _ in range(20)))
    assert all(_is_unavailable(answer) for answer in answers)
    assert await _health(client) == (200, 503)
    release.set()
    await asyncio.gather(*holders)
    await _back(client)
    await _settled(own_cluster, 2)
    await client.aclose()


async def test_the_server_of_postgresql_takes_no_more(make_hall: MakeHall) -> None:
    with ending(Cluster("max_connections=5", "superuser_reserved_connections=0").start()) as cluster:
        cluster.sql("CREATE DATABASE rostrum")
        hall = await make_hall(**_on(cluster, database_connections=20))
        client = await _client(hall)
        new = {"name": "A", "type": "webinar"}
        answers = await asyncio.gather(*(client.post("/room/create", json=new) for _ in range(60)))
        assert all(answer.status_code == 201 or _is_unavailable(answer) for answer in answers)
        assert any(answer.status_code == 201 for answer in answers)
        await _back(client)
        await client.aclose()


async def test_not_there_at_the_start(make_hall: MakeHall, own_cluster: Cluster) -> None:
    own_cluster.stop()
    hall = await make_hall(**_on(own_cluster), wait=False)
    async with httpx.AsyncClient(base_url=hall.url, timeout=30) as client:
        for _ in range(100):
            try:
                if await _health(client) == (200, 503):
                    break
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
        assert await _health(client) == (200, 503)
        for path in ("/v1/rooms", "/room/create", "/socket.io/?EIO=4&transport=polling", "/", "/nothing"):
            assert _is_unavailable(await client.get(path))
        own_cluster.start()
        async with asyncio.timeout(10):
            while await _health(client) != (200, 200):
                await asyncio.sleep(0.1)
    async with await _client(hall) as client:
        await _back(client)
    _room_id, _host, guests = await hall.stage()
    assert guests


async def test_hangs(make_hall: MakeHall, own_cluster: Cluster) -> None:
    hall = await make_hall(**_on(own_cluster, **SHORT))
    client = await _client(hall)
    room_id, host, _guests = await hall.stage()
    frozen = own_cluster.freeze()
    try:
        new = {"name": "A", "type": "webinar"}
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*(client.post("/room/create", json=new) for _ in range(20)))
            assert all(_is_unavailable(answer) for answer in answers)
            assert (await host.call("sendMessage", {"room_id": room_id, "message": "Hello"}, timeout=30))["error"]
            assert await _health(client) == (200, 503)
    finally:
        own_cluster.thaw(frozen)
    await _back(client)
    await _settled(own_cluster, 4)
    await client.aclose()
