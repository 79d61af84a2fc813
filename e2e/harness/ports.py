"""Free ports for a server under test, from a range that belongs to these tests."""

import os
import socket
from collections.abc import Iterator

FIRST, LAST = 25000, 25899


def _is_free(port: int) -> bool:
    """Whether `port` can be bound on every address, both as TCP and as UDP."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # A port whose old connections linger in TIME_WAIT is free for a server, which reuses addresses.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


def _candidates() -> Iterator[int]:
    # Start at a place that differs between runs, so that two runs at once seldom look at the same ports.
    size = LAST - FIRST
    start = os.getpid() * 37 % size
    for step in range(0, size, 10):
        yield FIRST + (start + step) % size


def free_block(length: int = 10) -> int:
    """The first port of `length` consecutive ports that are all free. Raises OSError when there is none."""
    for first in _candidates():
        if all(_is_free(first + offset) for offset in range(length)):
            return first
    raise OSError(f"no {length} free ports in {FIRST}-{LAST}")
