"""Password hashes: Argon2id in a few processes of low priority, away from the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from rostrum.auth import helpers
from rostrum.kit.errors import Unavailable

MOST_WAITING = 200


class PasswordPool:
    """Hashes and checks passwords. A flood of logins waits here and slows down nothing else."""

    def __init__(self, threads: int) -> None:
        # The threads only wait, each for one helper.
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The Argon2id hash of a password, with its salt and cost inside.

        Raises:
            Unavailable: too many are waiting already.
        """
        return str(await self._ask(password))

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Check a password. Without a hash (unknown user) it takes as long and is False.

        Raises:
            Unavailable: too many are waiting already.
        """
        if hashed is None:
            if self._decoy is None:
                self._decoy = await self.hash("nobody has this password")
            await self._ask(password, self._decoy)
            return False
        return await self._ask(password, hashed) is True

    def close(self) -> None:
        """End the threads; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, *question: str) -> str | bool:
        if self._waiting >= MOST_WAITING:
            raise Unavailable(retry_after=5)
        self._waiting += 1
        try:
            answer: str | bool = await asyncio.get_running_loop().run_in_executor(
                self._pool, helpers.ask, list(question)
            )
        finally:
            self._waiting -= 1
        return answer
