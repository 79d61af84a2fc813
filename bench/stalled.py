"""P15: viewers who stop reading while 20 MB are broadcast: memory held for each, and what the others notice of it.

The socket server alone beside Node's socket.io: what stalls is the transport, and Rostrum's chat has no messages that
large. `python -m bench.stalled [--quick]`
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
from bench.kit.memory import forget_highest, highest_bytes, private_bytes
from bench.kit.process import pin_load
from bench.kit.results import Pairs, Row

READERS, STALLED, TURNS, PAIRS = 50, 20, 3, 3
MESSAGES, BYTES, EVERY_SECONDS = 200, 50_000, 0.03
"""10 MB of messages, 20 MB of deliveries to each viewer, since each goes out under two names."""


@dataclass
class Seen:
    """One run: bytes that a stalled viewer held at the worst moment, and the readers' p99 in ms."""

    held: float
    p99: float


async def run(target: Target, stalled: int) -> Seen:
    """Broadcast to readers and to so many who stop reading. Raises AssertionError when a reader lost anything."""
    room = f"stalled-{stalled}-{time.monotonic_ns()}"
    members = await gather(target.url, target.viewer_auth, READERS + STALLED)
    await members[0].request("createRoom", {"room_id": room})
    await enter(members[: READERS + stalled], room)
    readers, deaf = members[:READERS], members[READERS : READERS + stalled]
    took: list[int] = []
    for reader in readers:
        reader.on_chat = lambda packet: took.append(_age(packet))
    for one in deaf:
        one.stop_reading()
    await asyncio.sleep(2)
    forget_highest(target.pid)
    before = private_bytes(target.pid)
    began = time.perf_counter()
    for number in range(MESSAGES):
        await asyncio.sleep(began + number * EVERY_SECONDS - time.perf_counter())
        text = f"m#{number:08d}#{time.perf_counter_ns():020d}#".ljust(BYTES, "x")
        readers[0].ask("sendMessage", {"room_id": room, "message": text})
    await _heard(readers[1:])
    held = highest_bytes(target.pid) - before
    for member in members:
        await member.close()
    await asyncio.sleep(2)
    took.sort()
    return Seen(held, took[int(len(took) * 0.99)] / 1e6)


async def _heard(readers: list[Member]) -> None:
    until = time.monotonic() + 60
    while min(reader.heard for reader in readers) < 2 * MESSAGES and time.monotonic() < until:
        await asyncio.sleep(0.05)
    assert {reader.heard for reader in readers} == {2 * MESSAGES}
    assert len({reader.checksum for reader in readers}) == 1


def _age(packet: bytes) -> int:
    at = packet.index(b"m#") + 11
    return time.perf_counter_ns() - int(packet[at : at + 20])


def measure(name: str, data: Path) -> tuple[float, float]:
    """MiB that one stalled viewer adds, and the readers' p99 with stalled viewers by that without."""
    with ExitStack() as stack:
        target = stack.enter_context(START[name](data))
        uvloop.run(run(target, 0))
        # In turn, and of each the quietest: what else the machine does only ever makes a run look worse.
        runs = [(uvloop.run(run(target, 0)), uvloop.run(run(target, STALLED))) for _ in range(TURNS)]
    calm, stormy = ([pair[index] for pair in runs] for index in (0, 1))
    held = max(one.held for one in stormy) - min(one.held for one in calm)
    return max(0.0, held) / STALLED / (1 << 20), min(one.p99 for one in stormy) / min(one.p99 for one in calm)


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
    what = f"of {STALLED} viewers who stop reading a broadcast of 20 MB, beside {READERS} who read"
    rows: list[Row] = [
        pairs.row("P15", f"memory held for each {what}", "MiB", "≤ 1 MiB each", node_peer.versions()),
        slowed.row(
            "P15", f"the readers' p99 by that without stalled viewers: {what}", "times", "≤ 1.1", node_peer.versions()
        ),
    ]
    for row in rows:
        print(row) if quick else row.write()


if __name__ == "__main__":
    main()
