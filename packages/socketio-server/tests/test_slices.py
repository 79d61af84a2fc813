"""Fan-out to thousands: the event loop gets its turns, and everybody gets everything in order."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from socketio_server import ConnectRefused, pace, rounds
from socketio_server.broadcast import Fanout
from socketio_server.rounds import Room

LONGEST_TURN = 0.005


class _Machine:
    """A stand-in for the clock, on which only writes take time: partly at once, partly at the end of the turn.

    Attributes:
        turns: how long each turn of the event loop took.
    """

    def __init__(self, at_once: float, at_the_end: float) -> None:
        self.turns: list[float] = []
        self.writes = 0
        self._costs = at_once, at_the_end
        self._now = self._due = self._turned = 0.0
        self._ticking = True

    def clock(self) -> float:
        return self._now

    def spend(self, writes: int = 1) -> None:
        self.writes += writes
        self._now += self._costs[0] * writes
        self._due += self._costs[1] * writes

    def tick(self) -> None:
        """As uvloop does: what was written within a turn goes to the kernel at its end."""
        self._now += self._due
        self._due = 0.0
        self.turns.append(self._now - self._turned)
        self._turned = self._now
        if self._ticking:
            asyncio.get_running_loop().call_soon(self.tick)

    def stop(self) -> None:
        self._ticking = False


class _Member:
    """What the fan-out sees of a socket."""

    def __init__(self, machine: _Machine) -> None:
        self._machine = machine
        self.got: list[bytes] = []

    def write(self, wire: bytes) -> None:
        self._machine.spend()
        self.got.append(wire)

    def deliver(self, wire: bytes, _key: str | None, _policy: str | None) -> None:
        self.write(wire)


def _one_room(fanout: Fanout, members: list[Any]) -> None:
    room = Room()
    for member in members:
        room.add(member)
    for _ in range(10):
        fanout.to_room(room, b"x")


def _small_rooms(fanout: Fanout, members: list[Any]) -> None:
    for start in range(0, len(members), 5):
        room = Room()
        for member in members[start : start + 5]:
            room.add(member)
        fanout.to_room(room, b"x")


def _singles(fanout: Fanout, members: list[Any]) -> None:
    room = Room()
    room.add(members[0])
    fanout.to_room(room, b"x")
    for member in members:
        fanout.to_one(member, b"x")


def _left_out(fanout: Fanout, members: list[Any]) -> None:
    room = Room()
    for member in members:
        room.add(member)
    for number in range(3):
        fanout.to_room(room, b"x", skip=members[number::2])


@pytest.mark.parametrize("send", [_one_room, _small_rooms, _singles, _left_out])
@pytest.mark.parametrize(
    ("at_once", "at_the_end"), [(0.3e-6, 2e-6), (0.5e-6, 14e-6), (1e-6, 60e-6), (14e-6, 0), (100e-6, 0)]
)
async def test_the_loop_gets_its_turn_within_5_ms(
    send: Callable[[Fanout, list[Any]], None], at_once: float, at_the_end: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = _Machine(at_once, at_the_end)
    monkeypatch.setattr(pace, "clock", machine.clock)
    fanout = Fanout()
    members = [_Member(machine) for _ in range(5000)]
    machine.tick()
    for _ in range(3):
        before = machine.writes
        send(fanout, members)
        while machine.writes < before + 5000:
            await asyncio.sleep(0)
    machine.stop()
    await asyncio.sleep(0)
    assert max(machine.turns) <= LONGEST_TURN
    assert len(machine.turns) < 100 + 2 * sum(machine.turns) / pace.SLICE_SECONDS  # Nor are there more than need be.


@contextlib.asynccontextmanager
async def _crowd(place: Any, count: int) -> Any:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(place.client()) for _ in range(count)]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of two members."""
    monkeypatch.setattr(rounds, "FEW", 2)
    monkeypatch.setattr(pace, "FEW", 2)
    monkeypatch.setattr(pace, "SLICE_SECONDS", 0)


async def _heard(client: Any, last: str) -> list[Any]:
    got: list[Any] = []
    while got[-1:] != [[last]]:
        got.append(json.loads((await client.recv())[2:]))
    return [number for _name, *rest in got[:-1] for number in rest]


@pytest.mark.usefixtures("tiny")
async def test_who_comes_and_goes_between_slices(start: Any) -> None:
    """Each gets exactly what was sent while it was in the room, in order."""
    place = await start()
    async with _crowd(place, 9) as clients:
        sockets = [place.main.sockets[client.sid] for client in clients]
        expected: list[list[int]] = [[] for _ in clients]
        for number in range(200):
            room = f"room {number % 2}"
            for index, socket in enumerate(sockets):
                if (number + index) % 7 == 0:
                    socket.join(room)
                elif (number + 2 * index) % 11 == 0:
                    socket.leave(room)
            apart = sockets[number % 9]
            place.main.to(room).except_(apart.id).emit("n", number)
            apart.emit("n", -number)
            for index, socket in enumerate(sockets):
                if socket is apart:
                    expected[index].append(-number)
                elif room in socket.rooms:
                    expected[index].append(number)
            if number % 3 == 0:
                await asyncio.sleep(0)
        place.main.emit("end")
        assert [await _heard(client, "end") for client in clients] == expected


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("turns", range(5))
async def test_who_is_disconnected_gets_what_was_sent_before(start: Any, turns: int) -> None:
    place = await start()
    async with _crowd(place, 6) as clients:
        sockets = [place.main.sockets[client.sid] for client in clients]
        for number in range(3):
            place.main.emit("n", number)
            sockets[5].emit("n", 10 + number)
        for _ in range(turns):
            await asyncio.sleep(0)
        place.main.emit("n", 3)
        sockets[0].emit("n", 13)
        for socket, close in ((sockets[0], False), (sockets[1], True), (sockets[5], True)):
            socket.disconnect(close=close)
        place.main.emit("n", 4)
        place.main.emit("end")
        assert [await _heard(client, "end") for client in clients[2:5]] == [[0, 1, 2, 3, 4]] * 3
        for client, numbers in ((clients[0], [0, 1, 2, 3, 13]), (clients[1], [0, 1, 2, 3])):
            assert [await client.recv() for _ in numbers] == [f'42["n",{number}]' for number in numbers]
            assert await client.recv() == "41"
        last = [0, 10, 1, 11, 2, 12, 3]
        assert [await clients[5].recv() for _ in last] == [f'42["n",{number}]' for number in last]
        assert await clients[5].recv() == "41"
        with pytest.raises(ConnectionClosed):
            await clients[5].recv()


@pytest.mark.usefixtures("tiny")
async def test_a_refusal_is_heard_while_a_broadcast_is_on_its_way(start: Any) -> None:
    place = await start()

    async def refuse(_handshake: Any) -> None:
        place.main.emit("n", 1)
        raise ConnectRefused("Not you.")

    async with _crowd(place, 5), place.raw() as socket:
        place.main.use(refuse)
        await socket.recv()
        await socket.send("40")
        async with asyncio.timeout(5):
            assert await socket.recv() == '44{"message":"Not you."}'
