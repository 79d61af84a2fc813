"""What it means when the database fails: it is away and may come back, or it cannot hold what it was given.

Translated where the driver raises (SQLAlchemy's `handle_error`), so that a file that cannot be written inside of a unit
of work is not taken for a database that is away. Neither errors nor the log quote values: PostgreSQL's name them.
"""

from typing import Final

import structlog
from asyncpg import DataError, InterfaceError
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import OperationalError

from rostrum.kit.errors import InvalidInput, Unavailable

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 2
PASSING: Final = ("08", "25P03", "25006", "28", "3D", "40", "53", "55", "57", "58")
"""SQLSTATEs (PostgreSQL, Appendix A) of what is nobody's fault here and may pass: the connection is lost or was ended,
a standby that only reads, no access yet, deadlock and serialization, resources at their end, a lock or a statement that
took too long, a server that starts or stops, its disk."""


class DatabaseUnavailable(Unavailable):
    """The database is away, locked, full or exhausted; the details are only in the log."""

    code = "database_unavailable"
    sentence = "The database does not answer; try again in a moment."


class Unstorable(InvalidInput):
    """A text or a number that the database has no form for; the doors should have refused it."""

    code = "unstorable_value"
    sentence = "The input holds a character or a number that cannot be stored."


def translate_faults(engine: Engine) -> None:
    """Let an engine raise DatabaseUnavailable and Unstorable in place of its driver's errors."""
    event.listen(engine, "handle_error", _translated)


def _translated(context: ExceptionContext) -> Exception | None:
    error = context.original_exception
    if not isinstance(error, Exception):  # A cancellation is no fault; SQLAlchemy gives the connection up by itself.
        return None
    if isinstance(error, OverflowError | UnicodeError) or _is_of_data(error):
        log.warning("database.unstorable", error=_name(error))
        return Unstorable()
    if isinstance(error, OSError) or isinstance(error.__cause__, InterfaceError):
        # A time-out is an OSError too: nobody knows what this connection would say next.
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = not isinstance(error, TimeoutError)
    if context.is_disconnect or _passes(context):
        log.error("database.failed", error=_name(error), reason=str(error)[:200])
        return DatabaseUnavailable(retry_after=RETRY_SECONDS)
    _silence(error)
    return None


def _is_of_data(error: BaseException) -> bool:
    """Values that the driver cannot encode, or the server refuses (class 22)."""
    return isinstance(error.__cause__, DataError) or str(getattr(error, "sqlstate", None) or "").startswith("22")


def _passes(context: ExceptionContext) -> bool:
    state = getattr(context.original_exception, "sqlstate", None)
    if state is not None:
        return str(state).startswith(PASSING)
    return isinstance(context.sqlalchemy_exception, OperationalError)


def _silence(error: BaseException) -> None:
    """Take from PostgreSQL's error the line that quotes a row; its sentence and its names stay."""
    if getattr(error.__cause__, "detail", None):
        error.__cause__.detail = None  # type: ignore[union-attr]


def _name(error: BaseException) -> str:
    return type(error.__cause__ or error).__name__
