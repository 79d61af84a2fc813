"""What features know of a socket: who it is, where it comes from, and what they keep about it.

A socket is connected to one node. Where another node leads its room, that node has a connection for it as well, which
is what the features there know; see kit/relay.py.
"""

import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rostrum.kit.links import Link


class Asking(Protocol):
    """A socket of this node, or what stands for one of another node."""

    @property
    def wants_answer(self) -> bool:
        """Whether the event that is being handled asks for an acknowledgement."""


class Connection:
    """One connected socket.

    Attributes:
        id: the socket's id, as the client sees it too.
        principal: who it is, from the handshake.
        address: the client's address.
        data: what features keep about this connection, each under its own name.
        moved: whether it has not gone, but follows its client to a room that another node leads.
        home: the node that leads its room; None: this one.
        known: by node, the link over which it was introduced there, and as whom.
    """

    __slots__ = (
        "_allowance",
        "_refilled",
        "_socket",
        "address",
        "data",
        "home",
        "id",
        "known",
        "malformed",
        "moved",
        "principal",
    )

    def __init__(self, socket: Asking, connection_id: str, principal: Any, address: str, *, burst: float = 0) -> None:
        self._socket = socket
        self.id = connection_id
        self.principal = principal
        self.address = address
        self.data: dict[str, Any] = {}
        self.malformed = 0
        self.moved = False
        self.home: str | None = None
        self.known: dict[str, tuple[Link[Any], Any]] | None = None
        self._allowance = burst
        self._refilled = time.monotonic()

    @property
    def wants_answer(self) -> bool:
        """Whether the event that is being handled asks for an acknowledgement."""
        return self._socket.wants_answer

    def spend(self, rate: float, burst: float) -> bool:
        """Take one event from the bucket (rate in events a second); False when it is empty."""
        now = time.monotonic()
        self._allowance = min(burst, self._allowance + (now - self._refilled) * rate)
        self._refilled = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
