"""P11: chat that is acknowledged only once it is on disk, by group commit, beside one commit a message.

The same server twice, once with `ROSTRUM_CHAT_BATCH=1`. 500 senders in rooms of two, each waiting for its
acknowledgement before it sends again: acknowledged messages per second. Then the same senders at a fixed rate: the
99th percentile of the time to the acknowledgement. `python -m bench.chat [--quick]`
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.kit.process import Pinned, cpu_seconds, pin_load
from bench.kit.raw_client import RawClient
from bench.kit.results import Pairs, Row
from bench.kit.rostrum import demo

OUR_PORT, PEER_PORT = 21710, 21711
TEXT = "x" * 200
EVENTS = ("message", "sendMessage")


@dataclass(frozen=True)
class Size:
    """How much a round does; `rate` in messages a second of all senders together."""

    senders: int
    seconds: float
    rate: int
    pairs: int


FULL = Size(senders=500, seconds=6, rate=500, pairs=5)
QUICK = Size(senders=50, seconds=2, rate=100, pairs=2)


@dataclass(frozen=True)
class Figures:
    """What a round has shown: messages a second, CPU a message, and the latency at the fixed rate, in ms."""

    throughput: float
    cpu_ms: float
    p99_ms: float


class Sender:
    """One of the two in a room: sends, and hears what the other one sends."""

    def __init__(self, client: RawClient, room_id: str) -> None:
        self._client = client
        self._room_id = room_id
        self._numbers = itertools.count()
        self.heard: list[bytes] = []
        self.acknowledged: list[str] = []
        client.on_event = self.heard.append

    @classmethod
    async def enter(cls, target: "Target", room_id: str, name: str) -> "Sender":
        """Connect and join; not measured."""
        client = await RawClient.open(target.url, target.auth)
        await client.request("createRoom", {"room_id": room_id})
        await client.request("join", {"room_id": room_id, "name": name})
        return cls(client, room_id)

    async def send(self) -> float:
        """Send a message; the seconds until it is acknowledged."""
        body = {"room_id": self._room_id, "message": TEXT, "clientId": str(next(self._numbers))}
        seconds, answer = await self._client.timed("sendMessage", body)
        self.acknowledged.append(answer["id"])
        return seconds

    def check(self, other: "Sender") -> None:
        """Assert that the other one's messages were all heard, once by each name, in the order of their answers."""
        heard: dict[str, list[str]] = {event: [] for event in EVENTS}
        for packet in self.heard:
            event, body = json.loads(packet[1:])
            if event in heard:
                heard[event].append(body["id"])
        for event in EVENTS:
            assert heard[event] == other.acknowledged, f"{event}: {len(heard[event])} of {len(other.acknowledged)}"

    async def leave(self) -> None:
        """Go; not measured."""
        with contextlib.suppress(AssertionError, TimeoutError):
            await self._client.request("exitRoom", {})
        self._client.close()


@dataclass(frozen=True)
class Target:
    """One of the two servers."""

    name: str
    url: str
    pid: int
    auth: dict[str, str]

    async def measure(self, size: Size, number: int) -> Figures:
        """One round; all zero when a message was lost, doubled or out of order."""
        rooms = [f"chat-{number}-{room}" for room in range(size.senders // 2)]
        pairs = [[await Sender.enter(self, room, name) for name in ("Ada", "Bob")] for room in rooms]
        senders = [sender for pair in pairs for sender in pair]
        try:
            throughput, cpu = await self._saturate(senders, size.seconds)
            await asyncio.sleep(0.5)
            p99 = await _paced(senders, size)
            await asyncio.sleep(0.5)
            for one, other in pairs:
                one.check(other)
                other.check(one)
        except AssertionError as wrong:
            print(f"  {self.name} answered wrongly, which counts as zero: {wrong!r}"[:500], flush=True)
            return Figures(0, 0, float("inf"))
        finally:
            for sender in senders:
                await sender.leave()
        return Figures(throughput, cpu, p99)

    async def _saturate(self, senders: list[Sender], seconds: float) -> tuple[float, float]:
        """Everybody sends as soon as the last message is acknowledged: messages a second, CPU a message in ms."""
        began, used = time.perf_counter(), cpu_seconds(self.pid)
        end = began + seconds

        async def chat(sender: Sender) -> int:
            count = 0
            while time.perf_counter() < end:
                await sender.send()
                count += 1
            return count

        total = sum(await asyncio.gather(*map(chat, senders)))
        return total / (time.perf_counter() - began), (cpu_seconds(self.pid) - used) / total * 1e3


async def _paced(senders: list[Sender], size: Size) -> float:
    """Each sends once in `senders / rate` seconds, whatever the answers do: the 99th percentile in ms."""
    pause = len(senders) / size.rate

    async def chat(sender: Sender, number: int) -> list[float]:
        await asyncio.sleep(pause * number / len(senders))
        times = []
        for _ in range(max(3, round(size.seconds / pause))):
            due = time.perf_counter() + pause
            times.append(await sender.send())
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        return times

    times = await asyncio.gather(*(chat(sender, number) for number, sender in enumerate(senders)))
    return statistics.quantiles([time for some in times for time in some], n=100)[98] * 1e3


async def compare(ours: Target, peer: Target, size: Size) -> tuple[list[Figures], list[Figures]]:
    """Warm both up, then measure them in turn."""
    warm = Size(senders=20, seconds=1, rate=50, pairs=1)
    for target in (ours, peer):
        await target.measure(warm, 0)
    results: tuple[list[Figures], list[Figures]] = ([], [])
    for number in range(1, size.pairs + 1):
        for target, into in zip((ours, peer), results, strict=True):
            into.append(await target.measure(size, number))
        print(f"  pair {number}: {results[0][-1]} ours, {results[1][-1]} one commit a message", flush=True)
    return results


def _start(name: str, port: int, data: Path, batch: int) -> tuple[Pinned, Target]:
    # The senders are the load here; in service each may send 60 in 10 s.
    limit = "1000/second"
    server = demo(data / name, port, peer_grace_seconds="1", chat_batch=str(batch), chat_limit_peer=limit)
    # A client without any key may make rooms in the demo.
    return server, Target(name, server.told["url"], server.pid, {})


def main() -> None:
    """Run the benchmark and write its rows."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a small run that writes no row")
    quick = arguments.parse_known_args()[0].quick
    size = QUICK if quick else FULL
    pin_load()
    data = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    running: list[tuple[Pinned, Target]] = []
    try:
        running.append(_start("ours", OUR_PORT, data, 256))
        running.append(_start("peer", PEER_PORT, data, 1))
        ours, peer = asyncio.run(compare(running[0][1], running[1][1], size))
    finally:
        for server, _ in running:
            server.stop()
        shutil.rmtree(data)
    for row in _rows(size, ours, peer):
        print(row) if quick else row.write()


def _rows(size: Size, ours: list[Figures], peer: list[Figures]) -> list[Row]:
    versions = f"SQLite by aiosqlite {version('aiosqlite')}, one commit a message: the same server"
    throughput = Pairs([one.throughput for one in ours], [one.throughput for one in peer])
    own, other = (statistics.median(one.cpu_ms for one in some) for some in (ours, peer))
    without_pause = f"durable chat, {size.senders} senders without a pause ({own:.2f} against {other:.2f} ms CPU each)"
    latency = Pairs([one.p99_ms for one in ours], [one.p99_ms for one in peer])
    paced = f"its acknowledgement's p99, {size.senders} senders, {size.rate} messages/s"
    return [
        throughput.row("P11", without_pause, "messages/s", "≥ 4", versions),
        latency.row("P11", paced, "ms", "≤ 20 ms", versions),
    ]


if __name__ == "__main__":
    main()
