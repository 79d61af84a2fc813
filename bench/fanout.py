"""P1 and P2: chat fan-out. Deliveries per CPU-second of the server, and their p99 at a fixed rate.

Rostrum whole (keys, limits, every message in the database before it goes out) beside Node's socket.io with all in
memory; then its socket server alone, which says what of that is the transport.
`python -m bench.fanout [--quick] [--only bare|rostrum] [--skip-p2] [--window 1]`
"""

import argparse
import asyncio
import itertools
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from bench.kit import node_peer
from bench.kit.chat_targets import Target, bare, node, raise_descriptor_limit, rostrum
from bench.kit.crowd import Member, enter, gather
from bench.kit.process import cpu_seconds, pin_load
from bench.kit.results import Pairs

EVENTS_A_MESSAGE = 2
TEXT_BYTES = 200
STILL_SECONDS = 2.0
LONGEST_SECONDS = 240.0


@dataclass(frozen=True)
class Size:
    """How much a run does.

    Attributes:
        listeners: viewers who only listen.
        speakers: viewers who speak as well; each keeps below what Rostrum lets one peer say.
        messages: chat messages in a round of P1.
        window: how many messages may be on their way at once.
        rate: deliveries a second in P2.
        seconds: how long a round of P2 lasts.
        pairs: how many rounds.
    """

    listeners: int
    speakers: int
    messages: int
    window: int
    rate: int
    seconds: float
    pairs: int

    @property
    def deliveries(self) -> int:
        """Deliveries of one message."""
        return EVENTS_A_MESSAGE * (self.listeners + self.speakers - 1)


FULL = Size(listeners=440, speakers=60, messages=2000, window=8, rate=50_000, seconds=6.0, pairs=5)
QUICK = Size(listeners=180, speakers=20, messages=400, window=8, rate=20_000, seconds=2.0, pairs=2)


class Hall:
    """A room full of listeners and speakers on one server."""

    _numbers = itertools.count(1)

    def __init__(self, target: Target, size: Size) -> None:
        self._target = target
        self._size = size
        self.room = f"fanout-{next(self._numbers)}"
        self.listeners: list[Member] = []
        self.speakers: list[Member] = []

    async def fill(self) -> None:
        """Let all in, and wait until what their coming has caused is over."""
        self._host = await Member.open(self._target.url, self._target.host_auth)
        await self._host.request("createRoom", {"room_id": self.room})
        await self._host.request("join", {"room_id": self.room, "name": "Host"})
        everybody = await gather(self._target.url, self._target.viewer_auth, self._size.listeners + self._size.speakers)
        await enter(everybody, self.room)
        self.listeners = everybody[: self._size.listeners]
        self.speakers = everybody[self._size.listeners :]
        await asyncio.sleep(STILL_SECONDS)
        for member in everybody:
            member.reset()
        self._host.reset()

    def say(self, number: int) -> "asyncio.Future[object]":
        """One message of the next speaker; the future of its acknowledgement."""
        text = f"m#{number:08d}#{time.perf_counter_ns():020d}#".ljust(TEXT_BYTES, "x")
        speaker = self.speakers[number % len(self.speakers)]
        return speaker.ask("sendMessage", {"room_id": self.room, "message": text})

    async def heard(self, messages: int) -> None:
        """Wait until all deliveries have come. Raises AssertionError when one is lost or doubled."""
        expected = EVENTS_A_MESSAGE * messages
        until = time.monotonic() + 30
        while min(one.heard for one in self.listeners) < expected and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        counts = {one.heard for one in self.listeners}
        assert counts == {expected}, f"listeners heard {sorted(counts)[:3]}…{sorted(counts)[-1]} of {expected}"
        assert len({one.checksum for one in self.listeners}) == 1, "listeners heard different things"
        assert not any(one.lost for one in [*self.listeners, *self.speakers])
        for index, speaker in enumerate(self.speakers):
            own = len(range(index, messages, len(self.speakers)))
            assert speaker.heard == expected - EVENTS_A_MESSAGE * own, "a speaker heard the wrong number"

    async def empty(self) -> None:
        """Everybody goes."""
        for member in [*self.listeners, *self.speakers, self._host]:
            await member.close()
        await asyncio.sleep(STILL_SECONDS)


class Order:
    """What one listener hears is read in full: every message once under each name, its speakers' order kept."""

    def __init__(self, member: Member) -> None:
        self._heard: dict[bytes, list[int]] = {}
        member.on_chat = self._take

    def _take(self, packet: bytes) -> None:
        at = packet.index(b"m#")
        self._heard.setdefault(packet[:7], []).append(int(packet[at + 2 : at + 10]))

    def check(self, messages: int, speakers: int) -> None:
        """Raises AssertionError when the order or the number is wrong."""
        assert len(self._heard) == EVENTS_A_MESSAGE
        for numbers in self._heard.values():
            assert sorted(numbers) == list(range(messages)), "a message was lost or doubled"
            for speaker in range(speakers):
                own = [number for number in numbers if number % speakers == speaker]
                assert own == sorted(own), "a speaker's messages changed their order"


async def throughput(target: Target, size: Size) -> float:
    """P1: deliveries per CPU-second of the server in one round; 0 when anything was lost, doubled or wrong."""
    hall = Hall(target, size)
    await hall.fill()
    order = Order(hall.listeners[0])
    before = cpu_seconds(target.pid)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await _pump(hall, size)
            await hall.heard(size.messages)
        used = cpu_seconds(target.pid) - before
        order.check(size.messages, size.speakers)
    except (AssertionError, TimeoutError) as wrong:
        print(f"  {target.name} was wrong, which counts as zero: {wrong!r}"[:300], flush=True)
        return 0.0
    finally:
        await hall.empty()
    return size.messages * size.deliveries / used


async def _pump(hall: Hall, size: Size) -> None:
    """Say all messages; at most `window` are unacknowledged or unheard by the witness at any time."""
    witness = hall.listeners[-1]
    answers: set[asyncio.Future[object]] = set()
    for number in range(size.messages):
        while len(answers) >= size.window or number - witness.heard // EVENTS_A_MESSAGE >= size.window:
            if answers:
                done, answers = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED, timeout=0.005)
                _right(done)
            else:
                await asyncio.sleep(0)
        answers.add(hall.say(number))
    if answers:
        _right((await asyncio.wait(answers))[0])


def _right(answers: set[asyncio.Future[object]]) -> None:
    for answer in answers:
        told = answer.result()
        assert isinstance(told, dict) and "error" not in told, told


async def latency(target: Target, size: Size) -> float:
    """P2: p99 of a delivery in ms, from before the message is sent to after it is read; 0 for a wrong run."""
    hall = Hall(target, size)
    await hall.fill()
    took: list[int] = []
    for listener in hall.listeners:
        listener.on_chat = lambda packet: took.append(_age(packet))
    messages = int(size.rate * size.seconds / size.deliveries)
    began = time.perf_counter()
    answers = []
    try:
        for number in range(messages):
            await asyncio.sleep(began + number * size.deliveries / size.rate - time.perf_counter())
            answers.append(hall.say(number))
        _right(set(answers) if not answers else (await asyncio.wait(answers))[0])
        await hall.heard(messages)
    except (AssertionError, TimeoutError) as wrong:
        print(f"  {target.name} was wrong, which counts as zero: {wrong!r}"[:300], flush=True)
        return 0.0
    finally:
        await hall.empty()
    took.sort()
    return took[int(len(took) * 0.99)] / 1e6


def _age(packet: bytes) -> int:
    at = packet.index(b"m#") + 11
    return time.perf_counter_ns() - int(packet[at : at + 20])


async def compare(ours: Target, peer: Target, size: Size, measure: Callable[..., object], unit: str) -> Pairs:
    """Warm both up, then measure them in turn."""
    pairs = Pairs()
    for number in range(size.pairs + 1):
        for target, into in ((ours, pairs.ours), (peer, pairs.peer)):
            figure = await measure(target, size)  # type: ignore[misc]
            if number:
                into.append(figure)
        if number:
            print(f"  pair {number}: ours {pairs.ours[-1]:.5g}, peer {pairs.peer[-1]:.5g} {unit}", flush=True)
    return pairs


def main() -> None:
    """Run the benchmarks and write their rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that writes no row")
    parser.add_argument("--only", choices=["bare", "rostrum"], help="one of our two servers")
    parser.add_argument("--skip-p2", action="store_true", help="the throughput alone")
    parser.add_argument("--window", type=int, default=FULL.window, help="messages on their way at once in P1")
    options = parser.parse_known_args()[0]
    size = replace(QUICK if options.quick else FULL, window=options.window)
    raise_descriptor_limit()
    pin_load()
    data = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    plans = [("P1", throughput, "deliveries/CPU-s", "≥ 1.5", "deliveries"), ("P2", latency, "ms", "≤ 0.8", "p99")]
    try:
        for name, start in (("rostrum", rostrum), ("bare", bare)):
            if options.only not in (None, name):
                continue
            with ExitStack() as stack:
                ours, peer = stack.enter_context(start(data)), stack.enter_context(node(data))
                for number, measure, unit, goal, _ in plans[: 1 if options.skip_p2 else 2]:
                    pairs = uvloop.run(compare(ours, peer, size, measure, unit))
                    what = f"{_what(number, size)}{'' if name == 'rostrum' else ' (socketio-server alone)'}"
                    row = pairs.row(number, what, unit, goal, node_peer.versions())
                    print(row) if options.quick else row.write()
    finally:
        shutil.rmtree(data)


def _what(number: str, size: Size) -> str:
    people = size.listeners + size.speakers
    if number == "P1":
        return f"chat of {TEXT_BYTES} B to {people} sockets, both events, {size.window} on their way at once"
    return f"p99 of a delivery at {size.rate} deliveries/s to {people} sockets"


if __name__ == "__main__":
    main()
