"""P9: how long REST reads take while 1,000 chat clients talk and a flood of logins runs, beside the same server idle.

One caller asks the reads of bench/rest.py at a modest rate and checks each answer. Idle and busy rounds take turns on
one server; in the idle ones the chat clients are connected and silent. `python -m bench.mixed [--quick]`
"""

import argparse
import asyncio
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.kit.flood import CLIENTS_A_ROOM
from bench.kit.http_load import Exchange, exchange, paced
from bench.kit.process import ROOT, Pinned, cpu_seconds_of_all, pin_load, prefer
from bench.kit.rest_data import PUBLIC_URL, Data, seed
from bench.kit.results import Row
from bench.kit.rostrum import serve

PORT = 21900
READS_A_SECOND: Final = 200.0


@dataclass(frozen=True)
class Size:
    """Chat clients, messages a second over all rooms, seconds a round, pairs of rounds."""

    clients: int
    messages_a_second: float
    seconds: float
    pairs: int


FULL, QUICK = Size(1000, 20, 6, 5), Size(1000, 20, 4, 2)


class CrowdProcess:
    """bench/kit/flood.py at work."""

    def __init__(self, url: str, data: Data, size: Size) -> None:
        rooms = [room for member in data.members for room in member.rooms][: size.clients // CLIENTS_A_ROOM]
        told = {
            "url": url,
            "key": data.key,
            "room_ids": rooms,
            "emails": [f"user{number}@example.org" for number in range(len(data.members))],
            "messages_a_second": size.messages_a_second,
        }
        command = [sys.executable, "-m", "bench.kit.flood", json.dumps(told)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.gathered = self._answer()

    def order(self, order: str) -> dict[str, Any]:
        """Give an order; what has happened since the one before."""
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the crowd has failed"
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self) -> None:
        """Let everybody go."""
        self._process.terminate()
        self._process.wait()


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of all lies below."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def read(url: str, reads: list[Exchange], seconds: float, name: str) -> float:
    """One round; its 99th percentile in seconds."""
    tally = uvloop.run(paced(url, reads, READS_A_SECOND, seconds))
    assert not tally.first_wrong, tally.first_wrong[:300]
    told = ", ".join(f"p{part:g} {percentile(tally.seconds, part / 100) * 1000:.2f} ms" for part in (50, 99, 99.9))
    print(f"    {name}: {tally.right} reads, {told}", flush=True)
    return percentile(tally.seconds, 0.99)


def compare(url: str, server: Pinned, data: Data, size: Size) -> tuple[list[float], list[float]]:
    """The 99th percentiles of the idle and of the busy rounds."""
    crowd = CrowdProcess(url, data, size)
    print(f"    {crowd.gathered}", flush=True)
    reads = [  # As they are answered now that the crowd's rooms are live.
        exchange(url + path, member.headers)
        for member in data.members
        for path in (f"/v1/meetings/{member.meetings[0]}", f"/meetings/list/{member.id}", "/v1/rooms")
    ]
    random.Random(1).shuffle(reads)
    idle, busy = [], []
    try:
        read(url, reads, 1, "warming up")
        for number in range(1, size.pairs + 1):
            idle.append(read(url, reads, size.seconds, "idle"))
            crowd.order("talk")
            before, began = cpu_seconds_of_all(server.pid), time.monotonic()
            busy.append(read(url, reads, size.seconds, "busy"))
            share = (cpu_seconds_of_all(server.pid) - before) / (time.monotonic() - began)
            told = crowd.order("hush")
            assert set(told["logins"]) <= {"200", "401"}, told
            assert told["deliveries"] == told["sent"] * (CLIENTS_A_ROOM - 1), told
            print(f"  pair {number}: ratio {busy[-1] / idle[-1]:.2f}; {told}, {share:.0%} of a core", flush=True)
            time.sleep(1)
    finally:
        crowd.end()
    return idle, busy


def _row(idle: list[float], busy: list[float], size: Size) -> Row:
    ratios = [high / low for low, high in zip(idle, busy, strict=True)]
    return Row(
        number="P9",
        what=f"p99 of REST reads while {size.clients} chat clients and a login flood run, beside itself idle",
        ours=f"{statistics.median(busy) * 1000:.2f} ms",
        peer=f"{statistics.median(idle) * 1000:.2f} ms",
        ratio=f"{statistics.median(ratios):.2f}",
        range=f"{min(ratios):.2f} to {max(ratios):.2f}",
        goal="≤ 2",
        pairs=str(size.pairs),
        versions=f"Python {sys.version.split()[0]}",
    )


def main() -> None:
    """Run the benchmark and write its row."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a small run that writes no row")
    size = QUICK if arguments.parse_known_args()[0].quick else FULL
    pin_load()
    prefer()
    folder = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    data = asyncio.run(seed(folder / "rostrum"))
    # The flood shall reach the password hashes; with the limits it would be turned away before.
    unlimited = {"login_limit_account": "1000000/minute", "login_limit_address": "1000000/minute"}
    server, url = serve(folder / "rostrum", PORT, public_url=PUBLIC_URL, open_rooms="true", **unlimited)
    try:
        row = _row(*compare(url, server, data, size), size)
    finally:
        server.stop()
        shutil.rmtree(folder)
    print(row) if size is QUICK else row.write()


if __name__ == "__main__":
    main()
