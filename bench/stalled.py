"""P15: viewers who stop reading while 20 MB are broadcast: memory held for each, and what the others notice of it.

As many rooms as viewers who stall, since those of one room share the messages that wait for them. The socket server
alone beside Node's socket.io: what stalls is the transport, and Rostrum's chat has no messages that large.
`python -m bench.stalled [--quick]`
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.kit import node_peer
from bench.kit.chat_targets import START, Target, raise_descriptor_limit
from bench.kit.crowd import Member, enter, gather
from bench.kit.memory import Watch
from bench.kit.process import pin_load, prefer
from bench.kit.results import Pairs

ROOMS, PAIRS, ROUNDS = 24, 3, 3
MESSAGES, BYTES, EVERY_SECONDS = 200, 50_000, 0.04
"""10 MB of messages a room, 20 MB of deliveries to each viewer, since each goes out under two names."""
WARM_MESSAGES = 60
SETTLE_SECONDS = 0.5
MIB = 1 << 20


@dataclass
class Seen:
    """One round: the most that the server held for half a second on end, and the readers' p99 in ms."""

    held: int
    p99: float


class Room:
    """One who speaks, one who reads, and one who stops to, or stays outside.

    Attributes:
        took: nanoseconds that each event took to the reader.
    """

    def __init__(self, number: int, members: list[Member]) -> None:
        self.name = f"stalled-{number}"
        self.took: list[int] = []
        self._speaker, self._reader, self._deaf = members
        self._told: list[int] = []

    async def fill(self, stall: bool) -> None:
        """Let them in; the deaf one stops reading."""
        # What a room remembers would be tens of MB of other memory, which comes and goes.
        await self._speaker.request("createRoom", {"room_id": self.name, "history": 0})
        await enter([self._speaker, self._reader], self.name)
        self._reader.on_chat = self._hear
        if stall:
            await enter([self._deaf], self.name)
            self._deaf.stop_reading()

    async def broadcast(self, messages: int) -> None:
        """Say everything at an even pace, and wait until the reader has heard it.

        Raises:
            AssertionError: it lost anything, or heard it twice or out of order.
        """
        began = time.perf_counter()
        for number in range(messages):
            await asyncio.sleep(began + number * EVERY_SECONDS - time.perf_counter())
            text = f"m#{number:08d}#{time.perf_counter_ns():020d}#".ljust(BYTES, "x")
            self._speaker.ask("sendMessage", {"room_id": self.name, "message": text})
        until = time.monotonic() + 60
        while len(self._told) < 2 * messages and time.monotonic() < until:
            await asyncio.sleep(0.05)
        assert self._told == [number for number in range(messages) for _name in range(2)]

    def _hear(self, packet: bytes) -> None:
        at = packet.index(b"m#") + 2
        self._told.append(int(packet[at : at + 8]))
        self.took.append(time.perf_counter_ns() - int(packet[at + 9 : at + 29]))


async def run(target: Target, *, stall: bool, messages: int = MESSAGES) -> Seen:
    """One round: broadcast in all rooms at once, in turn."""
    members = await gather(target.url, target.viewer_auth, 3 * ROOMS)
    rooms = [Room(number, members[number::ROOMS]) for number in range(ROOMS)]
    for room in rooms:
        await room.fill(stall)
    await asyncio.sleep(SETTLE_SECONDS)

    async def staggered(number: int, room: Room) -> None:
        await asyncio.sleep(number * EVERY_SECONDS / ROOMS)
        await room.broadcast(messages)

    async with Watch(target.pid) as watch:
        await asyncio.gather(*(staggered(number, room) for number, room in enumerate(rooms)))
    for member in members:
        await member.close()
    await asyncio.sleep(SETTLE_SECONDS)
    took = sorted(nanoseconds for room in rooms for nanoseconds in room.took)
    return Seen(watch.most, took[int(len(took) * 0.99)] / 1e6)


def measure(name: str, data: Path) -> tuple[float, float]:
    """MiB that one stalled viewer adds, and the readers' p99 with stalled viewers by that without.

    Calm and stormy rounds take turns on a fresh server, so that a neighbour's busy minute is in both.
    """
    with ExitStack() as stack:
        target = stack.enter_context(START[name](data))
        uvloop.run(run(target, stall=False, messages=WARM_MESSAGES))
        rounds = [uvloop.run(run(target, stall=stall)) for _ in range(ROUNDS) for stall in (False, True)]
    calm, stormy = rounds[::2], rounds[1::2]
    # The first two alone tell of memory: a later storm would use what the one before it has left free.
    held = (stormy[0].held - calm[0].held) / ROOMS / MIB
    return held, statistics.median(seen.p99 for seen in stormy) / statistics.median(seen.p99 for seen in calm)


def main() -> None:
    """Run the benchmark and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that writes no row")
    quick = parser.parse_known_args()[0].quick
    raise_descriptor_limit()
    pin_load()
    prefer()
    data = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    pairs, slowed = Pairs(), Pairs()
    try:
        for number in range(1 if quick else PAIRS):
            for name, memory, late in (("bare", pairs.ours, slowed.ours), ("node", pairs.peer, slowed.peer)):
                held, ratio = measure(name, data / f"{number}-{name}")
                memory.append(held)
                late.append(ratio)
            print(f"  pair {number + 1}: ours {pairs.ours[-1]:.2f} MiB, p99 times {slowed.ours[-1]:.2f}; ", end="")
            print(f"peer {pairs.peer[-1]:.2f} MiB, p99 times {slowed.peer[-1]:.2f}", flush=True)
    finally:
        shutil.rmtree(data)
    whom = f"{ROOMS} viewers who stop reading 20 MB, {ROOMS} who read (socketio-server alone)"
    rows = [
        pairs.row("P15", f"memory held for each of {whom}", "MiB", "≤ 1 MiB each", node_peer.versions()),
        slowed.row(
            "P15", f"the readers' p99 by that without stalled viewers: {whom}", "times", "≤ 1.1", node_peer.versions()
        ),
    ]
    for row in rows:
        print(row) if quick else row.write()


if __name__ == "__main__":
    main()
