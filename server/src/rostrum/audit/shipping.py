"""Ships records as JSON lines, for programs that gather logs."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Shipper:
    """Appends lines to a file or to standard output.

    A record is shipped after its transaction; the database has the truth, and a line that cannot be written is
    told of in the log and stops nothing.
    """

    def __init__(self, target: str) -> None:
        self._target = target

    def ship(self, record: Mapping[str, Any]) -> None:
        """Write one line. A single short append is whole: lines of several processes do not mix."""
        if not self._target:
            return
        line = json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"
        try:
            if self._target == "stdout":
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                with Path(self._target).open("a", encoding="utf-8") as file:
                    file.write(line)
        except (OSError, ValueError):
            log.exception("audit.shipping_failed")
