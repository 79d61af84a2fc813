"""S17: a steady chat in many rooms while some sockets flood: the p99 of a delivery, beside the same without a flood.

The whole of Rostrum, with its limits. Some flooders are in one of the rooms, others in rooms of their own; all send
more than a socket and a peer may. Calm and flooded rounds take turns on one server; every message of the steady chat
must be heard once by everybody else in its room. `python -m bench.flooded [--quick]`
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.kit.chat_targets import Target, rostrum
from bench.kit.crowd import Member, enter, gather
from bench.kit.process import ROOT, cpu_seconds, pin_load, prefer
from bench.kit.results import Pairs

ROOMS, VIEWERS_A_ROOM = 8, 25
AMONG_OTHERS, ALONE = 2, 2
MESSAGES_A_SECOND = 40.0
"""Over all rooms; the viewers take turns, and each stays far below its limit."""
EVENTS_A_MESSAGE = 2
TEXT_BYTES = 200
SETTLE_SECONDS = 2.0


@dataclass(frozen=True)
class Size:
    """Seconds a round, pairs of rounds."""

    seconds: float
    pairs: int


FULL, QUICK = Size(10, 5), Size(5, 2)


class Room:
    """Viewers who talk and listen."""

    def __init__(self, number: int, members: list[Member]) -> None:
        self.name = f"flooded-{number}"
        self.members = members
        self.said = self.heard = 0
        self.took: list[int] = []

    async def fill(self) -> None:
        """Let all in."""
        await enter(self.members, self.name)
        for member in self.members:
            member.on_chat = self._hear

    def say(self) -> None:
        """Let the next viewer say something."""
        speaker = self.members[self.said % len(self.members)]
        text = f"m#{self.said:08d}#{time.perf_counter_ns():020d}#".ljust(TEXT_BYTES, "x")
        speaker.ask("sendMessage", {"room_id": self.name, "message": text})
        self.said += 1

    def _hear(self, packet: bytes) -> None:
        at = packet.find(b'"m#') + 12
        if at >= 12:  # Else a flooder has said it.
            self.heard += 1
            self.took.append(time.perf_counter_ns() - int(packet[at : at + 20]))

    async def all_heard(self) -> list[int]:
        """How long each delivery took, in ns; it begins anew.

        Raises:
            AssertionError: something was lost or came twice.
        """
        expected = EVENTS_A_MESSAGE * self.said * (len(self.members) - 1)
        until = time.monotonic() + 30
        while self.heard < expected and time.monotonic() < until:
            await asyncio.sleep(0.02)
        assert self.heard == expected, f"{self.name} heard {self.heard} of {expected}"
        assert not any(member.lost for member in self.members)
        took, self.took, self.said, self.heard = self.took, [], 0, 0
        return took


async def talk(target: Target, rooms: list[Room], seconds: float, name: str) -> float:
    """One round of steady chat; the p99 of a delivery in ms."""
    began, before = time.perf_counter(), cpu_seconds(target.pid)
    for number in range(int(MESSAGES_A_SECOND * seconds)):
        await asyncio.sleep(began + number / MESSAGES_A_SECOND - time.perf_counter())
        rooms[number % len(rooms)].say()
    share = (cpu_seconds(target.pid) - before) / (time.perf_counter() - began)
    took = sorted([one for room in rooms for one in await room.all_heard()])
    p50, p99 = (took[int(len(took) * part)] / 1e6 for part in (0.5, 0.99))
    print(f"    {name}: {len(took)} deliveries, p50 {p50:.2f} ms, p99 {p99:.2f} ms, {share:.0%} of a core", flush=True)
    return p99


@contextmanager
def flood(target: Target, rooms: list[str]) -> Iterator[None]:
    """Let a viewer more in each of these rooms flood meanwhile."""
    told = {"url": target.url, "auth": target.viewer_auth, "rooms": rooms}
    command = [sys.executable, "-m", "bench.kit.flooder", json.dumps(told)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline(), "the flooders have failed"
        try:
            yield
        finally:
            process.stdin.close()
            print(f"    the flood: {process.stdout.readline().strip()}", flush=True)


async def compare(target: Target, size: Size) -> Pairs:
    """The p99s of the flooded (ours) and of the calm rounds (the peer's)."""
    members = await gather(target.url, target.viewer_auth, ROOMS * VIEWERS_A_ROOM)
    rooms = [Room(number, members[number::ROOMS]) for number in range(ROOMS)]
    flooded = [rooms[0].name] * AMONG_OTHERS + [f"flooded-alone-{number}" for number in range(ALONE)]
    host = await Member.open(target.url, target.host_auth)
    for name in {*flooded, *(room.name for room in rooms)}:
        await host.request("createRoom", {"room_id": name})
    for room in rooms:
        await room.fill()
    await asyncio.sleep(SETTLE_SECONDS)
    await talk(target, rooms, 2, "warming up")
    pairs = Pairs()
    for number in range(1, size.pairs + 1):
        pairs.peer.append(await talk(target, rooms, size.seconds, "calm"))
        with flood(target, flooded):
            pairs.ours.append(await talk(target, rooms, size.seconds, "flooded"))
        print(f"  pair {number}: ratio {pairs.ours[-1] / pairs.peer[-1]:.2f}", flush=True)
        await asyncio.sleep(SETTLE_SECONDS)
    for member in [*members, host]:
        await member.close()
    return pairs


def main() -> None:
    """Run the benchmark and write its row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that writes no row")
    size = QUICK if parser.parse_known_args()[0].quick else FULL
    pin_load()
    prefer()
    data = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    try:
        with rostrum(data) as target:
            pairs = uvloop.run(compare(target, size))
    finally:
        shutil.rmtree(data)
    who = f"p99 of a delivery to {ROOMS * VIEWERS_A_ROOM} chat viewers while {AMONG_OTHERS + ALONE} sockets flood"
    row = pairs.row("S17", f"{who}, beside itself without", "ms", "≤ 2", f"Python {sys.version.split()[0]}")
    print(row) if size is QUICK else row.write()


if __name__ == "__main__":
    main()
