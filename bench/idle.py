"""P12: memory of one more connected viewer, signalling alone: the slope from 1,000 to 5,000 idle sockets.

Rostrum whole (each is authenticated, none has joined a room) and its socket server alone, beside Node's socket.io.
`python -m bench.idle [--quick] [--only bare|rostrum]`
"""

import argparse
import asyncio
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench.kit import node_peer
from bench.kit.chat_targets import START, Target, raise_descriptor_limit
from bench.kit.crowd import Member, gather
from bench.kit.memory import private_bytes
from bench.kit.process import pin_load
from bench.kit.results import Pairs

FIRST, MORE, PAIRS = 1000, 4000, 3
SETTLE_SECONDS = 8.0


async def slope(target: Target, first: int, more: int) -> float:
    """KiB of one more socket; 0 when a connection was lost."""
    members = await gather(target.url, target.viewer_auth, first)
    await asyncio.sleep(SETTLE_SECONDS)
    before = private_bytes(target.pid)
    members += await gather(target.url, target.viewer_auth, more)
    await asyncio.sleep(SETTLE_SECONDS)
    after = private_bytes(target.pid)
    lost = _lost(members)
    for member in members:
        await member.close()
    if lost:
        print(f"  {target.name} lost {lost} connections, which counts as zero", flush=True)
        return 0.0
    return (after - before) / more / 1024


def _lost(members: list[Member]) -> int:
    return sum(member.lost for member in members)


def main() -> None:
    """Run the benchmark and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that writes no row")
    parser.add_argument("--only", choices=["bare", "rostrum"], help="one of our two servers")
    options = parser.parse_known_args()[0]
    first, more, rounds = (200, 800, 1) if options.quick else (FIRST, MORE, PAIRS)
    raise_descriptor_limit()
    pin_load()
    data = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    try:
        for name in ("rostrum", "bare"):
            if options.only not in (None, name):
                continue
            pairs = Pairs()
            for number in range(rounds):
                # A fresh server each time: what one round has freed would be the next one's.
                for start, into in ((START[name], pairs.ours), (START["node"], pairs.peer)):
                    with ExitStack() as stack:
                        target = stack.enter_context(start(data / f"{number}"))
                        into.append(uvloop.run(slope(target, first, more)))
                print(f"  pair {number + 1}: ours {pairs.ours[-1]:.1f}, peer {pairs.peer[-1]:.1f} KiB", flush=True)
            alone = "" if name == "rostrum" else " (socketio-server alone)"
            what = f"one more connected viewer, {first + more} idle sockets{alone}"
            row = pairs.row("P12", what, "KiB", "≤ 1.0", node_peer.versions())
            print(row) if options.quick else row.write()
    finally:
        shutil.rmtree(data)


if __name__ == "__main__":
    main()
