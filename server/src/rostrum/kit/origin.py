"""Where the present request or signal comes from: for whoever writes down what was done, far from the door."""

from contextvars import ContextVar
from dataclasses import dataclass

import msgspec


@dataclass(slots=True)
class Notes:
    """What becomes known while one request or signal is handled. `failed`: its failure is in the audit log."""

    failed: bool = False


class Origin(msgspec.Struct, frozen=True):
    """Where something was asked for.

    Attributes:
        address: the caller's network address; `local` for the command line and the server itself.
        request_id: the request's id, or the id of the socket.
        actor: who is known to ask; empty where the door does not know it yet.
        tenant_id: the tenant that this is about, None where it is not known yet.
        notes: shared by all that is derived from the origin of one request or signal.
    """

    address: str = "local"
    request_id: str = ""
    actor: str = ""
    tenant_id: str | None = None
    notes: Notes = msgspec.field(default_factory=Notes)

    def known(self, tenant_id: str, actor: str = "") -> "Origin":
        """The same, with more known of who asks."""
        return Origin(self.address, self.request_id, actor or self.actor, tenant_id, self.notes)


_current: ContextVar[Origin] = ContextVar("rostrum_origin", default=Origin())  # noqa: B039 - it is frozen.


def origin() -> Origin:
    """Where the present task's work comes from."""
    return _current.get()


def set_origin(value: Origin) -> None:
    """Note it for the rest of the present task."""
    _current.set(value)
