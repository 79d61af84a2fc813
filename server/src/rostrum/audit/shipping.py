"""Ships records as JSON lines, for programs that gather logs."""

import json
import os
import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import structlog

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 10_000
CLOSE_SECONDS: Final = 5.0


class Shipper:
    """Appends lines to a file or to standard output, in a thread: a slow disk or reader holds nobody up.

    A record is shipped after its commit; the database has the truth, and a line that cannot be written is told of in
    the log and stops nothing. The file is opened anew for each batch, so that it may be renamed at any time.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._lines: deque[bytes] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._broken = False

    def ship(self, record: Mapping[str, Any]) -> None:
        """Write one line, soon."""
        if not self._target:
            return
        line = json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"
        with self._news:
            if len(self._lines) >= MOST_WAITING:
                log.error("audit.line_not_shipped", id=record.get("id"))
                return
            self._lines.append(line.encode("utf-8", "backslashreplace"))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit-shipper", daemon=True)
                self._thread.start()
            self._news.notify()

    def close(self) -> None:
        """Write what waits, as far as the target takes it within CLOSE_SECONDS."""
        with self._news:
            self._closing = True
            self._news.notify()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._lines or self._closing)
                batch = list(self._lines)
                self._lines.clear()
            if not batch:
                with self._news:
                    self._thread = None
                    self._closing = False
                return
            try:
                self._append(batch)
            except (OSError, ValueError):
                log.exception("audit.shipping_failed", lines=len(batch))

    def _append(self, lines: list[bytes]) -> None:
        if self._target == "stdout":
            sys.stdout.buffer.write(b"".join(lines))
            sys.stdout.buffer.flush()
            return
        descriptor = os.open(self._target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            for line in lines:
                self._append_line(descriptor, line)
        finally:
            os.close(descriptor)

    def _append_line(self, descriptor: int, line: bytes) -> None:
        """One append a line: lines of several processes do not mix. What a full disk has cut off ends its own line."""
        data = b"\n" + line if self._broken else line
        written = os.write(descriptor, data)
        self._broken = written < len(data)
        if self._broken:
            raise OSError(f"only {written} of {len(data)} bytes of a line were written")
