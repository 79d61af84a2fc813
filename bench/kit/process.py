"""Servers under test: subprocesses pinned to a core, and the CPU time that they have used."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVER_CORE, LOAD_CORE = 0, 1
_TICKS = os.sysconf("SC_CLK_TCK")


def pin_load() -> None:
    """Put this process, which makes the load, on the load's core."""
    os.sched_setaffinity(0, {LOAD_CORE})


def prefer() -> None:
    """Go before other programs of the machine, where that is allowed; what is started from here does too.

    A 99th percentile of milliseconds is otherwise that of the neighbours. Priorities among our own stay as they are.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        # Where sessions take turns as a whole (autogroup of sched(7)), a niceness counts only inside of one.
        Path("/proc/self/autogroup").write_text("-10")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far, all its threads included (10 ms resolution)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_seconds_of_all(pid: int) -> float:
    """User and system time so far of a process and of the children that it has now."""
    return cpu_seconds(pid) + sum(cpu_seconds(child) for child in children_of(pid))


class Pinned:
    """A program on the server's core. It is ready when it prints one line of JSON, or when the URL `ready` answers."""

    def __init__(
        self, command: list[str], log: Path, settings: dict[str, str] | None = None, *, ready: str = ""
    ) -> None:
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
        line = b"{}" if ready and self._answers(ready) else b"" if ready else self.process.stdout.readline()
        if not line:
            sys.exit(f"{command[0]} ended before it was ready: {log.read_text()[-2000:]}")
        self.told: dict[str, Any] = json.loads(line)

    def _answers(self, url: str) -> bool:
        """Wait until the URL answers 200; False when the program ends before, or a minute has passed."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return False

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


def children_of(pid: int, named: str = "") -> list[int]:
    """The processes that this one has started and whose command line has `named` in it."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and named in (stat.parent / "cmdline").read_text():
                found.append(int(stat.parent.name))
        except OSError:
            continue  # The process ended while we were looking.
    return found


def worker_of(pid: int) -> int:
    """The one media worker of a server. Exits when there is not exactly one."""
    found = children_of(pid, "mediasoup-worker")
    if len(found) != 1:
        sys.exit(f"expected one media worker under {pid}, found {found}")
    return found[0]
