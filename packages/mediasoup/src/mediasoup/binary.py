"""Where the mediasoup-worker binary is."""

import os
import subprocess
from functools import cache
from pathlib import Path

from mediasoup.errors import WorkerStartError

WORKER_VERSION = "3.27.1"
_RECIPE = Path(__file__).resolve().parents[2] / "engine" / "build.sh"


def worker_binary() -> Path:
    """Return the path of the engine's binary: `MEDIASOUP_WORKER_BIN`, else the build that the set-up made.

    Raises:
        WorkerStartError: there is no such file; the message says how to make one.
    """
    override = os.environ.get("MEDIASOUP_WORKER_BIN")
    path = Path(override) if override else _built()
    if not os.access(path, os.X_OK):
        hint = "MEDIASOUP_WORKER_BIN points to it" if override else "run `make setup` to build it"
        raise WorkerStartError(f"no mediasoup-worker at {path}: {hint}")
    return path


@cache
def _built() -> Path:
    """Ask the recipe, which alone knows how the cache is laid out."""
    if not _RECIPE.exists():
        raise WorkerStartError("no engine recipe beside this installation: set MEDIASOUP_WORKER_BIN")
    where = subprocess.run([_RECIPE, "--where"], check=True, capture_output=True, text=True)  # noqa: S603 - our own script.
    return Path(where.stdout.strip()) / "mediasoup-worker"
