"""P5a and P6: what forwarding a packet costs, and what Python pays for it.

P5a: microseconds of worker CPU for each SRTP packet sent, driven by our controller and by npm's mediasoup, same engine.
P6: CPU of the Python process at several packet rates; its slope should be 0. `python -m bench.media [--quick]`
"""

import argparse
import base64
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.kit import node_peer
from bench.kit.process import Pinned, cpu_seconds, pin_load
from bench.kit.results import Pairs, Row
from bench.kit.rtp import Sink, Stream, receiver_capabilities, settle, video_rtp_parameters

KEY = base64.b64encode(bytes(range(28))).decode()  # 16 bytes of key, 12 of salt: AES-128-GCM.


@dataclass(frozen=True)
class Size:
    """How much is sent: `rate` packets a second into a fan-out of `consumers`."""

    consumers: int
    rate: int
    seconds: float
    pairs: int


FULL = Size(consumers=100, rate=400, seconds=6, pairs=5)
QUICK = Size(consumers=20, rate=200, seconds=1.5, pairs=2)


@dataclass(frozen=True)
class Cost:
    """What one run used and delivered."""

    packets: int
    worker_seconds: float
    control_seconds: float
    wall_seconds: float
    right: bool

    @property
    def worker_us(self) -> float:
        """Microseconds of worker CPU a packet; 0 for a run that delivered anything wrong."""
        return 1e6 * self.worker_seconds / self.packets if self.right and self.packets else 0.0


def _ours(arguments: list[str], log: Path) -> Pinned:
    return Pinned([sys.executable, "-m", "bench.kit.media_server", *arguments], log)


def _peer(arguments: list[str], log: Path) -> Pinned:
    return Pinned(node_peer.command("media.js", *arguments), log, node_peer.settings())


def run(start: Callable[[list[str], Path], Pinned], log: Path, size: Size) -> Cost:
    """Start one side, send it the stream, and account for every packet."""
    sink = Sink()
    arguments = ["--consumers", str(size.consumers), "--sink", str(sink.port), "--key", KEY]
    arguments += ["--rtp", json.dumps(video_rtp_parameters()), "--capabilities", json.dumps(receiver_capabilities())]
    server = start(arguments, log)
    stream = Stream(server.told["port"])
    try:
        sent = stream.run(max(size.rate, 50), 0.5, sink)
        settle(sink, sent * size.consumers)
        pids = (server.told["workerPid"], server.told["pid"])
        before = [cpu_seconds(pid) for pid in pids]
        began = time.perf_counter()
        fresh = stream.run(size.rate, size.seconds, sink) if size.rate else _idle(size.seconds)
        settle(sink, (sent + fresh) * size.consumers)
        wall = time.perf_counter() - began
        worker, control = (cpu_seconds(pid) - used for pid, used in zip(pids, before, strict=True))
        expected = [sent + fresh] * size.consumers
        right = sorted(sink.received.values()) == expected and not sink.out_of_order
        if not right:
            print(
                f"  wrong, counts as zero: {len(sink.received)} streams, {sink.total} of {sum(expected)} packets, "
                f"{sink.out_of_order} out of order",
                flush=True,
            )
        return Cost(fresh * size.consumers, worker, control, wall, right)
    finally:
        server.stop()
        stream.close()
        sink.close()


def _idle(seconds: float) -> int:
    time.sleep(seconds)
    return 0


def forwarding(size: Size, logs: Path) -> Pairs:
    """P5a, in turn."""
    pairs = Pairs()
    for number in range(1, size.pairs + 1):
        pairs.ours.append(run(_ours, logs / "ours.log", size).worker_us)
        pairs.peer.append(run(_peer, logs / "peer.log", size).worker_us)
        print(f"  pair {number}: ours {pairs.ours[-1]:.2f}, peer {pairs.peer[-1]:.2f} µs/packet", flush=True)
    return pairs


def python_cost(size: Size, logs: Path) -> tuple[float, str]:
    """P6: percent of a core that Python adds at 100,000 packets/s by the line of best fit, and the points."""
    rates, percents = [], []
    for share in (0, 0.25, 0.5, 0.75, 1):
        cost = run(_ours, logs / "ours.log", Size(size.consumers, int(size.rate * share), size.seconds, 1))
        rates.append(cost.packets / cost.wall_seconds)
        percents.append(100 * cost.control_seconds / cost.wall_seconds)
    slope = statistics.linear_regression(rates, percents).slope
    points = ", ".join(
        f"{percent:.2f} % at {rate / 1000:.0f} k/s" for rate, percent in zip(rates, percents, strict=True)
    )
    print(f"  Python: {points}", flush=True)
    return slope * 100_000, points


def main() -> None:
    """Run both benchmarks and write their rows."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a small run that writes no rows")
    quick = arguments.parse_known_args()[0].quick
    size = QUICK if quick else FULL
    pin_load()
    node_peer.installed()
    logs = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    pairs = forwarding(size, logs)
    added, points = python_cost(size, logs)
    shutil.rmtree(logs)
    versions = f"{node_peer.versions()}, engine 3.27.1"
    out = size.consumers * size.rate
    what = f"forwarding 1100-byte packets as SRTP AES-128-GCM to {size.consumers} receivers, {out // 1000} k/s"
    forwarded = pairs.row("P5a", what, "µs/packet", "1.00 ± 0.05", versions)
    what = f"Python CPU that media adds at 100 k packets/s, fitted ({points})"
    python = Row("P6", what, f"{added:.2f} % of a core", "none", "none", "none", "≤ 0.5 %", "5 rates", "engine 3.27.1")
    for row in (forwarded, python):
        print(row) if quick else row.write()


if __name__ == "__main__":
    main()
