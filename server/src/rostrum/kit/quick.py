"""Trying to answer without waiting.

A read that finds all it needs at hand, in memory or in the pages of the database that the system keeps there, can be
answered in one go: no task, no other thread, no turn of the event loop. It is tried as it stands; the first thing in it
that would have to wait, or would change something, calls `must_wait` and so ends the try, and the request is begun anew
in the ordinary way. A try leaves nothing behind.
"""

from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_trying = False


class MustWait(BaseException):
    """The try is over. No `except Exception` on the way may take it for a failure."""


def must_wait() -> None:
    """Say that what follows waits or changes something. Raises MustWait inside of a try, else does nothing."""
    if _trying:
        raise MustWait()


def trying() -> bool:
    """Whether this runs inside of a try."""
    return _trying


def attempt(work: Coroutine[Any, Any, object]) -> bool:
    """Run a coroutine to its end if it need not wait; tells whether it came to its end. Its exceptions are its own."""
    global _trying  # noqa: PLW0603 - one event loop a process, and nothing else of it runs during a try.
    _trying = True
    try:
        copy_context().run(work.send, None)
    except StopIteration:
        return True
    except MustWait:
        return False
    finally:
        _trying = False
    log.warning("quick.waited_unannounced", work=getattr(work, "__qualname__", ""))
    work.close()
    return False
