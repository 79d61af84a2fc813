"""The last messages of a live room, ready to be sent to whoever joins."""

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from rostrum.chat.schemas import MessageInfo

KEPT = 100


class History:
    """Up to KEPT messages in the order of their positions, each encoded once for all who join."""

    def __init__(self, messages: Iterable[MessageInfo] = ()) -> None:
        self._positions: list[int] = []
        self._bodies: list[msgspec.Raw] = []
        for message in messages:
            self.add(message)

    def add(self, message: MessageInfo) -> bool:
        """Take a stored message in; False when the room knows it already, or it is older than what the room knows.

        A message can be stored and yet be news later: its acknowledgement was lost with the database's connection,
        and its sender sends it again.
        """
        place = bisect_left(self._positions, message.position)
        if place < len(self._positions) and self._positions[place] == message.position:
            return False
        if place == 0 and len(self._positions) == KEPT:
            return False
        self._positions.insert(place, message.position)
        self._bodies.insert(place, msgspec.Raw(msgspec.json.encode(message.body())))
        del self._positions[:-KEPT], self._bodies[:-KEPT]
        return True

    @property
    def bodies(self) -> list[msgspec.Raw]:
        """The messages, oldest first, as JSON."""
        return list(self._bodies)

    @property
    def cursor(self) -> int | None:
        """Where the page of the messages before these begins; None when there are none before."""
        return self._positions[0] if len(self._positions) == KEPT else None
