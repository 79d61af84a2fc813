"""Password hashes: Argon2id in a few threads of low priority, away from the event loop."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from rostrum.kit.errors import Unavailable

MOST_WAITING = 200


class PasswordPool:
    """Hashes and checks passwords. A flood of logins waits here and slows down nothing else."""

    def __init__(self, threads: int) -> None:
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords", initializer=_yield_to_others)
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The Argon2id hash of a password, with its salt and cost inside.

        Raises:
            Unavailable: too many are waiting already.
        """
        return await self._run(self._hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Check a password. Without a hash (unknown user) it takes as long and is False.

        Raises:
            Unavailable: too many are waiting already.
        """
        if hashed is None:
            if self._decoy is None:
                self._decoy = await self.hash("nobody has this password")
            await self._run(self._verify, password, self._decoy)
            return False
        return await self._run(self._verify, password, hashed) == "yes"

    def close(self) -> None:
        """End the threads; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def _verify(self, password: str, hashed: str) -> str:
        return "yes" if self._hasher.verify(password, hashed) else "no"

    async def _run(self, function: Callable[..., str], *args: str) -> str:
        if self._waiting >= MOST_WAITING:
            raise Unavailable(retry_after=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
        finally:
            self._waiting -= 1


def _yield_to_others() -> None:
    # On Linux a thread has a niceness of its own; the event loop's thread keeps its own.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
