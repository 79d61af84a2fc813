"""The process of a worker: starting it, waiting for its end, ending it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from .binary import WORKER_VERSION
from .errors import WorkerStartError

#: The file descriptors on which mediasoup-worker expects its channel.
_CHANNEL_IN, _CHANNEL_OUT = 3, 4
_KEPT_VARIABLES = ("PATH", "TMPDIR", "LANG", "LC_ALL", "TZ")
_KEPT_PREFIXES = ("LD_", "ASAN_", "UBSAN_", "MALLOC_", "GLIBC_TUNABLES", "OPENSSL_")


class Process:
    """A running mediasoup-worker. `exit_code` is None while it runs, and negative for the signal that killed it."""

    def __init__(self, pid: int, to_worker: socket.socket, from_worker: socket.socket) -> None:
        self.pid = pid
        self.to_worker, self.from_worker = to_worker, from_worker
        self.exit_code: int | None = None
        self.on_exit: Callable[[int], None] = lambda code: None
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = os.pidfd_open(pid)
        self._loop.add_reader(self._pidfd, self._reap)

    @classmethod
    def start(cls, binary: str | Path, arguments: Sequence[str]) -> Process:
        """Starts the binary with a channel. Raises `WorkerStartError` if the system refuses."""
        to_worker, worker_in = socket.socketpair()
        from_worker, worker_out = socket.socketpair()
        try:
            pid = _spawn(str(binary), arguments, worker_in, worker_out)
        except OSError as error:
            to_worker.close()
            from_worker.close()
            raise WorkerStartError(f"cannot start {binary}: {error.strerror}") from error
        finally:
            worker_in.close()
            worker_out.close()
        to_worker.setblocking(False)
        from_worker.setblocking(False)
        return cls(pid, to_worker, from_worker)

    def kill(self) -> None:
        """Ends the process without asking it."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def kill_after(self, seconds: float) -> None:
        """Ends the process without asking it, unless it has ended by then."""
        self._loop.call_later(seconds, self.kill)

    async def wait(self, patience: float) -> int:
        """Waits for the end; kills the process if it takes longer than `patience` seconds. Returns the exit code."""
        try:
            async with asyncio.timeout(patience):
                return await asyncio.shield(self.exited)
        except TimeoutError:
            self.kill()
            return await asyncio.shield(self.exited)

    def _reap(self) -> None:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            # Somebody else waits for every child of this process; how it ended is lost.
            pid, status = self.pid, 0
        if pid == 0:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.exit_code = os.waitstatus_to_exitcode(status)
        self.exited.set_result(self.exit_code)
        self.on_exit(self.exit_code)


def _spawn(binary: str, arguments: Sequence[str], worker_in: socket.socket, worker_out: socket.socket) -> int:
    # Copies above the two targets, so that neither dup2 overwrites the other's source.
    copies = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (worker_in, worker_out)]
    try:
        return os.posix_spawn(
            binary,
            [Path(binary).name, *arguments],
            _environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                # Our standard output may be a program's input; the worker has nothing to say on it.
                (os.POSIX_SPAWN_DUP2, 2, 1),
                (os.POSIX_SPAWN_DUP2, copies[0], _CHANNEL_IN),
                (os.POSIX_SPAWN_DUP2, copies[1], _CHANNEL_OUT),
            ],
            # A group of its own: Ctrl-C in a terminal is for us to handle, and closing the channel ends the worker.
            setpgroup=0,
            # Python ignores SIGPIPE, and that would be inherited.
            setsigdef=[signal.SIGPIPE],
        )
    finally:
        for copy in copies:
            os.close(copy)


def _environment() -> dict[str, str]:
    """What the worker gets of our environment: nothing that could be a secret."""
    kept = {
        name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
    }
    return {**kept, "MEDIASOUP_VERSION": WORKER_VERSION}
