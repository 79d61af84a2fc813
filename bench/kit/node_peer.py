"""The Node peer: Socket.IO and npm's mediasoup, installed from its own lock, on our build of the engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

from mediasoup.binary import worker_binary

from bench.kit.process import ROOT

FOLDER = ROOT / "bench" / "peers" / "node"


def _node(program: str) -> str:
    own = Path(sys.executable).parent / program
    return str(own) if own.exists() else program


def settings() -> dict[str, str]:
    """The environment that makes npm's mediasoup start the engine that Rostrum starts."""
    return {"MEDIASOUP_WORKER_BIN": str(worker_binary())}


def installed() -> None:
    """Install the peer's libraries unless its lock is what is installed."""
    mark = FOLDER / "node_modules" / ".package-lock.json"
    if mark.exists() and mark.stat().st_mtime >= (FOLDER / "package-lock.json").stat().st_mtime:
        return
    print("installing the Node peer", flush=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [_node("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=FOLDER, check=True, env={**os.environ, "PATH": path})


def command(script: str, *arguments: str) -> list[str]:
    """The command line of one of the peer's programs."""
    return [_node("node"), str(FOLDER / script), *arguments]


def versions(*libraries: str) -> str:
    """Versions of Node and of the peer's libraries; of those that the media benchmarks use where none are named."""

    def of(name: str) -> str:
        return str(json.loads((FOLDER / "node_modules" / name / "package.json").read_text())["version"])

    run = subprocess.run([_node("node"), "--version"], check=True, capture_output=True, text=True)
    told = [f"{name} {of(name)}" for name in libraries or ("socket.io", "mediasoup")]
    return ", ".join([f"Node {run.stdout.strip().removeprefix('v')}", *told])
