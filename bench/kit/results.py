"""Pairs of measurements, their ratio, and the table in bench/RESULTS.md."""

import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "RESULTS.md"
HEAD = """# Measured

One row a run, oldest first, written by the benchmarks themselves (`make bench`). The ratio is the median over
interleaved pairs, the range is that of the pairs; what goes against us stands here like all the rest.

| date (UTC) | # | what | ours | peer | ratio | range | goal | pairs | versions | machine |
|---|---|---|---|---|---|---|---|---|---|---|
"""


@dataclass
class Pairs:
    """Measurements of ours and of the peer's, taken in turn, where a wrong run counts as zero."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Ours divided by the peer's, pair by pair."""
        return [ours / peer if peer else float("inf") for ours, peer in zip(self.ours, self.peer, strict=True)]

    def row(self, number: str, what: str, unit: str, goal: str, versions: str) -> "Row":
        """The row of the table that these pairs make."""
        ratios = self.ratios
        return Row(
            number=number,
            what=what,
            ours=f"{statistics.median(self.ours):.4g} {unit}",
            peer=f"{statistics.median(self.peer):.4g} {unit}",
            ratio=f"{statistics.median(ratios):.2f}",
            range=f"{min(ratios):.2f} to {max(ratios):.2f}",
            goal=goal,
            pairs=str(len(ratios)),
            versions=versions,
        )


@dataclass(frozen=True)
class Row:
    """One row of the table of results."""

    number: str
    what: str
    ours: str
    peer: str
    ratio: str
    range: str
    goal: str
    pairs: str
    versions: str

    def write(self) -> None:
        """Add the row to bench/RESULTS.md and print it."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        cells = [now, self.number, self.what, self.ours, self.peer, self.ratio, self.range, self.goal]
        cells += [self.pairs, self.versions, machine()]
        if not TABLE.exists():
            TABLE.write_text(HEAD)
        with TABLE.open("a") as table:
            table.write("| " + " | ".join(cells) + " |\n")
        print(f"{self.number} {self.what}: ours {self.ours}, peer {self.peer}, ratio {self.ratio} ({self.range})")


def machine() -> str:
    """Processor, cores and kernel of this machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{model}, {len(models)} cores, Linux {platform.release().split('-')[0]}"
