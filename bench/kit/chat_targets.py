"""The servers of the fan-out benchmarks: the whole of Rostrum, its socket server alone, and Node's socket.io."""

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.kit import node_peer
from bench.kit.process import Pinned
from bench.kit.rostrum import auths, demo


@dataclass(frozen=True)
class Target:
    """One server under test."""

    name: str
    url: str
    pid: int
    host_auth: dict[str, str]
    viewer_auth: dict[str, str]


def raise_descriptor_limit(wanted: int = 20_000) -> None:
    """Let this process and those it starts have so many descriptors. Exits when the system does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            sys.exit(f"the limit of open files is {hard}; the benchmark needs {wanted}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def rostrum(data: Path) -> Iterator[Target]:
    """The whole of Rostrum: keys, limits, database, media worker."""
    server = demo(data / "rostrum", log_level="warning", peer_grace_seconds="1")
    try:
        yield Target("Rostrum", server.told["url"], server.pid, *auths(server))
    finally:
        server.stop()


@contextmanager
def bare(data: Path) -> Iterator[Target]:
    """The package socketio-server alone."""
    command = [sys.executable, "-m", "bench.kit.chat_server"]
    server = Pinned(command, data / "bare.log")
    try:
        yield Target("socketio-server", server.told["url"], server.pid, {}, {})
    finally:
        server.stop()


@contextmanager
def node(data: Path) -> Iterator[Target]:
    """The peer: Node's socket.io, all in memory."""
    node_peer.installed()
    server = Pinned(node_peer.command("chat.js"), data / "peer.log")
    try:
        yield Target("Node", server.told["url"], server.pid, {}, {})
    finally:
        server.stop()


START: dict[str, Callable[[Path], AbstractContextManager[Target]]] = {"rostrum": rostrum, "bare": bare, "node": node}
"""The servers by name."""
