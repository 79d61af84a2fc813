"""What can go wrong with stored objects."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from obstore.exceptions import BaseError

from rostrum.kit.errors import RostrumError

log = structlog.get_logger(__name__)

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StorageFull(RostrumError):
    """The disk has no space left, or not as much as the upload announces; nothing of it was kept."""

    code = "storage_full"
    status = 507
    sentence = "The server has no space left for this."


class StorageUnavailable(RostrumError):
    """The storage failed, or has lost the object; the details are only in the log."""

    code = "storage_unavailable"
    status = 502
    sentence = "The storage does not answer; try again in a moment."


@contextmanager
def translated() -> Iterator[None]:
    """Tell the storage's own errors, the disk's too, as ours.

    Raises:
        StorageFull, StorageUnavailable.
    """
    try:
        yield
    except (OSError, BaseError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            log.warning("storage.full", reason=error.strerror)
            raise StorageFull() from error
        log.exception("storage.failed")
        raise StorageUnavailable() from error
