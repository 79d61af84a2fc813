"""Whether ports are free, by trying them."""

import socket
import time
from typing import Literal

Kind = Literal["udp", "tcp"]


def taken(host: str, port: int, kind: str) -> str | None:
    """Why a port cannot be had on an address; None when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as probe:
        if kind == "tcp":
            # Connections of a server that has just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def media_ports(first: int, workers: int) -> list[int]:
    """The ports of all media workers."""
    return [first + index for index in range(workers)]


def wait_until_free(addresses: list[str], ports: list[int], seconds: float) -> str | None:
    """Wait for ports that a server killed a moment ago may still hold; the reason if they stay taken."""
    deadline = time.monotonic() + seconds
    while True:
        reasons = (
            f"{kind.upper()} port {port} on {address}: {reason}"
            for address in addresses
            for port in ports
            for kind in ("udp", "tcp")
            if (reason := taken(address, port, kind)) is not None
        )
        problem = next(reasons, None)
        if problem is None or time.monotonic() > deadline:
            return problem
        time.sleep(0.05)
