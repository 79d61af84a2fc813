"""Starts and stops the server under test, a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
REFERENCE = bool(os.environ.get("SOCKETIO_REFERENCE"))

ours_alone = pytest.mark.skipif(REFERENCE, reason="Beyond the protocol: what our own server promises.")


def node() -> str:
    """Node's program: the one of the environment's wheel, else the system's."""
    own = Path(sys.executable).parent / "node"
    return str(own) if own.exists() else "node"


class Subject:
    """A running server; `url` is where, `pid` its process."""

    def __init__(self, log: Path, **options: Any) -> None:
        program = [node(), str(HERE / "reference.js")] if REFERENCE else [sys.executable, str(HERE / "app.py")]
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [*program, json.dumps(options)], stdout=subprocess.PIPE, stderr=self._log, cwd=HERE
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the server did not start: {log.read_text()}"
        told = json.loads(line)
        self.log = log
        self.url: str = told["url"]
        self.pid: int = told["pid"]

    @property
    def port(self) -> int:
        """Its TCP port on 127.0.0.1."""
        return int(self.url.rsplit(":", 1)[1])

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def memory(self) -> int:
        """Resident memory, in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """How many file descriptors are open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    async def settled(self, descriptors: int, timeout: float = 10) -> None:
        """Wait until no more than so many descriptors are open."""
        async with asyncio.timeout(timeout):
            while self.descriptors() > descriptors:
                await asyncio.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
