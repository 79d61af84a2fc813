"""A file that is still arriving: on the local disk, in a folder that nobody reads from."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from rostrum.kit.ids import new_id
from rostrum.storage.errors import translated

BUFFER_BYTES = 1_048_576
"""Bytes that are gathered before one write: a hop to a thread for each packet would cost more than the writing."""


class Draft:
    """Takes bytes in order; memory holds at most BUFFER_BYTES and one chunk of them.

    Attributes:
        path: where the bytes are.
        size: how many were taken.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / new_id()
        self.size = 0
        self._descriptor: int | None = None
        self._buffer = bytearray()

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            StorageFull, StorageUnavailable: they cannot be written.
        """
        self._buffer += chunk
        self.size += len(chunk)
        if len(self._buffer) >= BUFFER_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """Bring everything to the disk, as far as it survives a loss of power.

        Raises:
            StorageFull, StorageUnavailable: as `write`.
        """
        await self._flush()
        with translated():
            await to_the_end(os.fsync, self._open())
        self._close()

    async def discard(self) -> None:
        """Forget the bytes; nothing happens where they have been kept."""
        self._close()
        await asyncio.to_thread(self.path.unlink, missing_ok=True)

    async def _flush(self) -> None:
        pending, self._buffer = self._buffer, bytearray()
        with translated():
            await to_the_end(_write_all, self._open(), pending)

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


async def to_the_end(function: Callable[..., object], *arguments: object) -> None:
    """Run a function in a thread and wait for its end, also when cancelled: its file must stay open that long."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _write_all(descriptor: int, data: bytearray) -> None:
    """Write all of it: a disk that fills up takes a part of the bytes and says so at the next write alone."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
