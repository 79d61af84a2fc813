"""Servers under test: subprocesses pinned to a core, and the CPU time that they have used."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVER_CORE, LOAD_CORE = 0, 1
_TICKS = os.sysconf("SC_CLK_TCK")


def pin_load() -> None:
    """Put this process, which makes the load, on the load's core."""
    os.sched_setaffinity(0, {LOAD_CORE})


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far, all its threads included (10 ms resolution)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Pinned:
    """A program on the server's core that prints one line of JSON when it is ready."""

    def __init__(self, command: list[str], log: Path, settings: dict[str, str] | None = None) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *command],
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env={**os.environ, **(settings or {})},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{command[0]} ended before it was ready; see {log}")
        self.told: dict[str, Any] = json.loads(line)

    @property
    def pid(self) -> int:
        """The process id of the program (taskset replaces itself with it)."""
        return self.process.pid

    def stop(self) -> None:
        """Ask the program to end, and make sure that it does."""
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


def worker_of(pid: int) -> int:
    """The one media worker of a server. Exits when there is not exactly one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and "mediasoup-worker" in (stat.parent / "cmdline").read_text():
                found.append(int(stat.parent.name))
        except OSError:
            continue  # The process ended while we were looking.
    if len(found) != 1:
        sys.exit(f"expected one media worker under {pid}, found {found}")
    return found[0]
