"""A `./rostrum demo` server as a subprocess, on its own ports and with its own data directory."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from e2e.harness.ports import free_block
from e2e.harness.wait import until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40.0
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Demo:
    """The one line that `rostrum demo --json` prints when it is ready."""

    url: str
    secret_key: str
    publishable_key: str
    admin_token: str
    host_token: str
    host_link: str
    viewer_link: str
    room_id: str

    @classmethod
    def from_line(cls, line: str) -> "Demo":
        """Read the line. Raises KeyError when a documented field is missing."""
        told = json.loads(line)
        return cls(
            url=told["url"],
            secret_key=told["secretKey"],
            publishable_key=told["publishableKey"],
            admin_token=told["adminToken"],
            host_token=told["hostToken"],
            host_link=told["hostLink"],
            viewer_link=told["viewerLink"],
            room_id=told["roomId"],
        )


def alive(pid: int) -> bool:
    """Whether a process runs under this id (a zombie does not count)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The ids of the direct children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # The process ended while we were looking.
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry.name))
    return found


class DemoServer:
    """Starts, stops, kills and restarts one demo server; the ports and data outlive a restart."""

    def __init__(self, data_dir: Path, log: Path, settings: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.log = log
        self.port = free_block()
        self.media_port = self.port + 1
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._demo: Demo | None = None

    @property
    def demo(self) -> Demo:
        """What the server said when it was ready."""
        assert self._demo is not None, "the server has not been started"
        return self._demo

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        assert self._process is not None, "the server has not been started"
        return self._process.pid

    def start(self) -> Demo:
        """Start the server and wait until it says that it is ready."""
        out = self.log.with_suffix(".out")
        command = [str(ROOT / "rostrum"), "demo", "--json", "--port", str(self.port), "--data-dir", str(self.data_dir)]
        environment = {**os.environ, "ROSTRUM_MEDIA_PORT": str(self.media_port), **self._settings}
        with out.open("wb") as stdout, self.log.open("ab") as stderr:
            self._process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=environment, cwd=ROOT)
        line = until("the server's ready line", lambda: self._ready_line(out), timeout=START_SECONDS, interval=0.05)
        self._demo = Demo.from_line(line)
        return self._demo

    def _ready_line(self, out: Path) -> str:
        assert self._process is not None
        status = self._process.poll()
        if status is not None:
            raise AssertionError(f"the server ended with {status} before it was ready: {self.log.read_text()[-2000:]}")
        lines = [line for line in out.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
        return lines[0] if lines else ""

    def workers(self) -> list[int]:
        """The process ids of the server's media workers."""
        return [pid for pid in children(self.pid) if "mediasoup-worker" in _command(pid)]

    def busiest_worker(self) -> int:
        """The media worker that has used most CPU: in a test with one room, the one that holds it."""
        workers = self.workers()
        assert workers, "the server has no media worker"
        return max(workers, key=_cpu_ticks)

    def kill(self) -> None:
        """End the server as a power cut would: SIGKILL, no goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=STOP_SECONDS)

    def stop(self) -> int:
        """Ask the server to end, and return its exit code. Kills it (and answers -9) when it does not."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(timeout=STOP_SECONDS)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return -1
    return int(fields[11]) + int(fields[12])


def wait_gone(pids: list[int], *, timeout: float = 5.0) -> float:
    """Wait until none of these processes runs; the seconds it took. Raises AssertionError when one stays."""
    began = time.monotonic()
    until(f"the processes {pids} are gone", lambda: not any(alive(pid) for pid in pids), timeout=timeout)
    return time.monotonic() - began
