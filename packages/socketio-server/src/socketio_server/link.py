"""What a session wants of a transport."""

from collections.abc import Callable
from typing import Protocol


class Link(Protocol):
    """A transport, as a session sees it."""

    name: str

    def direct(self) -> Callable[[bytes], None] | None:
        """What takes frames at once; None while they have to wait in the session's queue."""

    def holds(self) -> int:
        """Bytes that the transport itself keeps for the client."""

    def wake(self) -> None:
        """Something waits in the queue."""

    def hold(self) -> None:
        """Read no more for now."""

    def release(self) -> None:
        """Read on."""

    def close(self, code: int, reason: str, *, linger: bool) -> None:
        """End, after what waits in the queue; `linger` if a client that is not there right now may still fetch it."""

    def abort(self) -> None:
        """End at once."""

    def superseded(self) -> None:
        """Another transport has taken the session over."""
