"""P15: viewers who stop reading while 20 MB are broadcast: memory held for each, and what the others notice of it.

Eight rooms with a stalled viewer each, since viewers of one room share the messages that wait for them. The socket
server alone beside Node's socket.io: what stalls is the transport, and Rostrum's chat has no messages that large.
`python -m bench.stalled [--quick]`
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.kit import node_peer
from bench.kit.chat_targets import START, Target, raise_descriptor_limit
from bench.kit.crowd import Member, enter, gather
from bench.kit.memory import private_bytes
from bench.kit.process import pin_load
from bench.kit.results import Pairs

ROOMS, READERS_A_ROOM, PAIRS = 8, 3, 3
MESSAGES, BYTES, EVERY_SECONDS = 200, 50_000, 0.04
"""10 MB of messages a room, 20 MB of deliveries to each viewer, since each goes out under two names."""


@dataclass
class Seen:
    """One run: by how many bytes the server grew until all was heard, and the readers' p99 in ms."""

    grown: int
    p99: float


class Room:
    """A speaker, some who read, and one who stops to."""

    def __init__(self, members: list[Member], number: int) -> None:
        # The same in each run: what the servers keep of a room's history is then there before the first that counts.
        self.name = f"stalled-{number}"
        self.speaker, self.deaf, *self.readers = members
        self._members = members

    async def fill(self, stall: bool, took: list[int]) -> None:
        """Let all in; the deaf one stops reading."""
        await self.speaker.request("createRoom", {"room_id": self.name})
        await enter(self._members, self.name)
        for reader in self.readers:
            reader.on_chat = lambda packet: took.append(_age(packet))
        if stall:
            self.deaf.stop_reading()

    async def broadcast(self) -> None:
        """Say everything at an even pace, and wait until the readers have heard it.

        Raises:
            AssertionError: a reader lost anything, or heard it twice.
        """
        began = time.perf_counter()
        for number in range(MESSAGES):
            await asyncio.sleep(began + number * EVERY_SECONDS - time.perf_counter())
            text = f"m#{number:08d}#{time.perf_counter_ns():020d}#".ljust(BYTES, "x")
            self.speaker.ask("sendMessage", {"room_id": self.name, "message": text})
        until = time.monotonic() + 60
        while min(reader.heard for reader in self.readers) < 2 * MESSAGES and time.monotonic() < until:
            await asyncio.sleep(0.05)
        assert {reader.heard for reader in self.readers} == {2 * MESSAGES}
        assert len({reader.checksum for reader in self.readers}) == 1


async def run(target: Target, *, stall: bool) -> Seen:
    """Broadcast in all rooms at once."""
    members = await gather(target.url, target.viewer_auth, ROOMS * (READERS_A_ROOM + 2))
    rooms = [Room(members[number::ROOMS], number) for number in range(ROOMS)]
    took: list[int] = []
    for room in rooms:
        await room.fill(stall, took)
    await asyncio.sleep(1)
    before = private_bytes(target.pid)

    async def staggered(number: int, room: Room) -> None:
        await asyncio.sleep(number * EVERY_SECONDS / ROOMS)
        await room.broadcast()

    await asyncio.gather(*(staggered(number, room) for number, room in enumerate(rooms)))
    grown = private_bytes(target.pid) - before
    for member in members:
        await member.close()
    await asyncio.sleep(1)
    took.sort()
    return Seen(grown, took[int(len(took) * 0.99)] / 1e6)


def _age(packet: bytes) -> int:
    at = packet.index(b"m#") + 11
    return time.perf_counter_ns() - int(packet[at : at + 20])


def measure(name: str, data: Path) -> tuple[float, float]:
    """MiB that one stalled viewer adds, and the readers' p99 with stalled viewers by that without."""
    with ExitStack() as stack:
        target = stack.enter_context(START[name](data))
        uvloop.run(run(target, stall=False))
        calm = uvloop.run(run(target, stall=False))
        stormy = uvloop.run(run(target, stall=True))
    return (stormy.grown - max(0, calm.grown)) / ROOMS / (1 << 20), stormy.p99 / calm.p99


def main() -> None:
    """Run the benchmark and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that writes no row")
    quick = parser.parse_known_args()[0].quick
    raise_descriptor_limit()
    pin_load()
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
    whom = f"{ROOMS} viewers who stop reading 20 MB, {ROOMS * READERS_A_ROOM} who read (socketio-server alone)"
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
