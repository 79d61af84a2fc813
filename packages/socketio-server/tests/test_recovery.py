"""Connection state recovery: bounds, doubtful claims, and that nothing is replayed to whom it was not for."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from socketio_server import ConnectRefused, RecoveryPolicy

from .conftest import until

Join = Callable[..., Awaitable[tuple[Any, dict[str, Any]]]]


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """Connects clients, perhaps as who comes back: the client, and what its connection was told."""
    async with AsyncExitStack() as stack:

        async def join(place: Any, auth: Any = None) -> tuple[Any, dict[str, Any]]:
            client = await stack.enter_async_context(place.raw())
            assert (await client.recv())[0] == "0"
            await client.send("40" + ("" if auth is None else json.dumps(auth)))
            return client, json.loads((await client.recv())[2:])

        yield join


async def _heard(client: Any, count: int) -> list[Any]:
    return [json.loads((await client.recv())[2:]) for _ in range(count)]


@pytest.fixture
def recovering(start: Any) -> Callable[..., Any]:
    async def make(**policy: Any) -> Any:
        place = await start(recovery=RecoveryPolicy(**policy))

        async def enter(socket: Any, room: str) -> list[Any]:
            socket.join(room)
            return [socket.recovered]

        place.main.on("enter", enter)
        return place

    return make


async def _lost(place: Any, client: Any) -> None:
    before = len(place.gone)
    client.transport.abort()
    await until(lambda: len(place.gone) > before)


async def test_only_what_was_for_it_is_replayed_once_and_in_order(recovering: Any, join: Join) -> None:
    place = await recovering()
    client, told = await join(place)
    (socket,) = place.main.sockets.values()
    socket.join("in")
    socket.data = {"kept": True}
    place.main.emit("first", 1)
    (first,) = await _heard(client, 1)
    assert first[:2] == ["first", 1] and isinstance(first[2], str)
    await _lost(place, client)
    place.main.to("in").emit("mine")
    place.main.to("out").emit("not mine")
    place.main.to(told["sid"]).emit("to me")
    place.main.to("in").except_(told["sid"]).emit("not to me")
    place.main.to("in").emit("may be missed", policy="drop")
    place.main.emit("to all")
    client, again = await join(place, {"pid": told["pid"], "offset": first[2]})
    assert again == told
    place.main.to("in").emit("now")
    assert [event[0] for event in await _heard(client, 4)] == ["mine", "to me", "to all", "now"]
    (socket,) = place.main.sockets.values()
    assert socket.recovered and socket.data == {"kept": True} and socket.rooms == {"in"}


@pytest.mark.parametrize(
    "claim",
    [
        {"pid": "wrong"},
        {"offset": None},
        {"offset": 5},
        {"offset": ""},
        {"offset": "zz"},
        {"offset": "ffff"},
        {"offset": "f" * 400},
        {"offset": "-1"},
        {"pid": ["a"]},
    ],
)
async def test_a_claim_that_does_not_hold_makes_a_new_socket(
    recovering: Any, join: Join, claim: dict[str, Any]
) -> None:
    place = await recovering()
    client, told = await join(place)
    place.main.emit("first")
    (first,) = await _heard(client, 1)
    await _lost(place, client)
    place.main.emit("missed")
    client, again = await join(place, {"pid": told["pid"], "offset": first[1], **claim})
    assert again["sid"] != told["sid"] or not next(iter(place.main.sockets.values())).recovered
    assert again["pid"] != told["pid"]
    place.main.emit("now")
    assert [event[0] for event in await _heard(client, 1)] == ["now"]


async def test_a_secret_counts_once(recovering: Any, join: Join) -> None:
    place = await recovering()
    client, told = await join(place)
    place.main.emit("first")
    (first,) = await _heard(client, 1)
    # While its socket lives nobody else has it.
    claim = {"pid": told["pid"], "offset": first[1]}
    _thief, other = await join(place, claim)
    assert other["sid"] != told["sid"]
    await _lost(place, client)
    _one, back = await join(place, claim)
    _two, late = await join(place, claim)
    assert back["sid"] == told["sid"] and late["sid"] != told["sid"]


async def test_who_may_not_come_any_more_is_refused(recovering: Any, join: Join) -> None:
    """Middlewares are asked each time: a socket that may come back may have lost its right to be here."""
    place = await recovering()
    refuse: list[bool] = []

    async def check(_handshake: Any) -> None:
        if refuse:
            raise ConnectRefused("no longer")

    place.main.use(check)
    client, told = await join(place)
    place.main.emit("first")
    (first,) = await _heard(client, 1)
    await _lost(place, client)
    refuse.append(True)
    client, answer = await join(place, {"pid": told["pid"], "offset": first[1]})
    assert answer == {"message": "no longer"}


async def test_what_is_remembered_is_bounded(recovering: Any, join: Join) -> None:
    place = await recovering(max_packets=3, max_bytes=10_000, max_sessions=2)
    recovery = place.main.recovery
    clients = [await join(place) for _ in range(4)]
    place.main.emit("first")
    heard = [(await _heard(client, 1))[0][1] for client, _ in clients]
    for client, _ in clients:
        await _lost(place, client)
    assert len(recovery._left) == 2
    for number in range(3):
        place.main.emit("kept", number)
    # The third and the fourth are still remembered; three messages too.
    _client, back = await join(place, {"pid": clients[2][1]["pid"], "offset": heard[2]})
    assert back["sid"] == clients[2][1]["sid"]
    place.main.emit("one too many")
    _client, late = await join(place, {"pid": clients[3][1]["pid"], "offset": heard[3]})
    assert late["pid"] != clients[3][1]["pid"]
    place.main.emit("large", "x" * 9_000)
    place.main.emit("large", "x" * 9_000)
    assert len(recovery._messages) == 1 and recovery._bytes <= 10_000


async def test_without_it_nothing_is_added_and_nothing_kept(start: Any, join: Join) -> None:
    place = await start()
    client, told = await join(place)
    assert "pid" not in told
    place.main.emit("first", 1)
    assert await _heard(client, 1) == [["first", 1]]
