"""Connections to PostgreSQL: how many, and how long anything may take. What hangs ends, and gives its place back."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InvalidatePoolError

RECYCLE_SECONDS: Final = 1800
ANSWER_SECONDS: Final = 1
"""By how much the server is given the chance to end a statement before we give its connection up."""

# Compiling queries costs more than it gives where they are as small as ours.
_SESSION: Final = {"application_name": "rostrum", "jit": "off"}


@dataclass(frozen=True, slots=True)
class Pool:
    """Bounds of the pool, durations in seconds.

    Attributes:
        connections: how many are open at once, at most.
        wait: for a free one.
        connect: for a new one to be made.
        statement: for one statement, waiting for locks included; also for a transaction that stands still.
    """

    connections: int = 10
    wait: float = 5
    connect: float = 5
    statement: float = 10

    def options(self) -> dict[str, Any]:
        """Arguments of `create_async_engine`."""
        bound = str(int(self.statement * 1000))
        return {
            "pool_size": self.connections,
            "max_overflow": 0,
            "pool_timeout": self.wait,
            "pool_recycle": RECYCLE_SECONDS,
            "connect_args": {
                "timeout": self.connect,
                # The server may be frozen, or the way to it cut, and then its own bound does not help.
                "command_timeout": self.statement + ANSWER_SECONDS,
                "server_settings": {
                    **_SESSION,
                    "statement_timeout": bound,
                    "idle_in_transaction_session_timeout": bound,
                },
            },
        }

    def unhurried(self) -> dict[str, Any]:
        """Arguments of a connection whose statements take as long as they need."""
        return {"timeout": self.connect, "server_settings": {**_SESSION, "statement_timeout": "0"}}


def discard_closed(engine: Engine) -> None:
    """Give out no connection that the server has closed, for example when it restarted.

    The driver knows that without asking. A question at each use (SQLAlchemy's pre-ping) would cost three round trips.
    """

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
