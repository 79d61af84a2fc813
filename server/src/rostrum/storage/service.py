"""The verbs of object storage: receive, keep, read, delete.

An object arrives as a draft on the local disk, where nobody reads it, and is kept by one step that either happened or
did not: a rename where objects are on the same disk. Reading, deleting and listing go through obstore, which speaks to
S3 and Azure by the same calls.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore

from rostrum.storage.draft import Draft, to_the_end
from rostrum.storage.errors import translated

READ_BYTES = 262_144


class ObjectStorage:
    """Objects on the local disk, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._drafts = folder / "incoming"
        self._objects = folder / "objects"
        for made in (self._drafts, self._objects):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = LocalStore(self._objects.absolute())

    async def start(self) -> None:
        """Forget the drafts that a crash has left; call it before the first one is begun."""
        await asyncio.to_thread(_empty, self._drafts)

    def free(self) -> int:
        """Bytes that the disk can still take."""
        return shutil.disk_usage(self._objects).free

    @asynccontextmanager
    async def draft(self) -> AsyncIterator[Draft]:
        """A new draft; whatever of it was not kept at the end is forgotten."""
        made = Draft(self._drafts)
        try:
            yield made
        finally:
            await asyncio.shield(made.discard())

    async def keep(self, draft: Draft, key: str) -> None:
        """Make a draft the object of this key, on the disk for good when this returns.

        Raises:
            StorageFull, StorageUnavailable: it was not kept.
        """
        await draft.finish()
        with translated():
            await to_the_end(_move, draft.path, self._objects / key, self._objects)

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes of an object from `start` up to, not including, `end`, in pieces.

        Raises:
            StorageUnavailable: it cannot be read, or is not there.
        """
        if start >= end:
            return
        with translated():
            found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            async for chunk in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(chunk)

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that is not there is no error.

        Raises:
            StorageUnavailable: one could not be deleted.
        """
        for key in keys:
            with translated():
                try:
                    await obstore.delete_async(self._store, key)
                except (NotFoundError, FileNotFoundError):
                    continue

    async def keys(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        """The keys below a prefix, some hundreds at a time.

        Raises:
            StorageUnavailable: they cannot be listed.
        """
        with translated():
            async for batch in obstore.list(self._store, prefix, chunk_size=500):
                yield [item["path"] for item in batch]


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink(missing_ok=True)


def _move(source: Path, target: Path, root: Path) -> None:
    """Rename, then bring the folders' entries to the disk as well."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    source.replace(target)
    folder = target.parent
    while True:
        _sync_folder(folder)
        if folder == root:
            return
        folder = folder.parent


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
