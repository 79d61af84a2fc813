"""Who comes and goes, told in a way that a room of thousands can bear."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from rostrum.live.notifier import Notifier
from rostrum.live.room import LiveRoom, Peer

INTERVAL_SECONDS = 1.0
NAMES_IN_BATCH = 100


@dataclass(slots=True)
class _Pending:
    joined: dict[str, Peer] = field(default_factory=dict)
    left: dict[str, Peer] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    told: int | None = None


class Presence:
    """Announces joins, leaves and the number of viewers.

    In a room of up to 50 peers each join and leave is an event of its own; above that the viewers' come as one
    `presence` event a second. `viewerCount` goes out when the number has changed, at most once a second.
    """

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._rooms: dict[LiveRoom, _Pending] = {}

    def joined(self, peer: Peer) -> None:
        """A peer has joined."""
        pending = self._pending(peer.room)
        if peer.on_stage or not peer.room.is_large:
            self._notifier.room(peer.room, "peerJoined", peer.public(), skip=peer)
        else:
            pending.joined[peer.id] = peer
        self._schedule(peer.room, pending)

    def left(self, peer: Peer) -> None:
        """A peer has left."""
        pending = self._pending(peer.room)
        if pending.joined.pop(peer.id, None) is None:
            if peer.on_stage or not peer.room.is_large:
                self._notifier.room(peer.room, "peerLeft", {"id": peer.id, "name": peer.name})
            else:
                pending.left[peer.id] = peer
        self._schedule(peer.room, pending)

    def role_changed(self, peer: Peer) -> None:
        """A peer's role is another; tells the whole room, the peer included."""
        pending = self._pending(peer.room)
        if pending.joined.pop(peer.id, None) is not None:
            # The room has not heard of it yet, and must before it hears more.
            self._notifier.room(peer.room, "peerJoined", peer.public(), skip=peer)
        self._notifier.room(peer.room, "roleChanged", peer.public())
        self._schedule(peer.room, pending)

    def forget(self, room: LiveRoom) -> None:
        """The room is closed."""
        pending = self._rooms.pop(room, None)
        if pending is not None and pending.timer is not None:
            pending.timer.cancel()

    def _pending(self, room: LiveRoom) -> _Pending:
        return self._rooms.setdefault(room, _Pending())

    def _schedule(self, room: LiveRoom, pending: _Pending) -> None:
        if pending.timer is None and not room.closed:
            pending.timer = asyncio.get_running_loop().call_later(
                INTERVAL_SECONDS if pending.told is not None else 0, self._tell, room, pending
            )

    def _tell(self, room: LiveRoom, pending: _Pending) -> None:
        pending.timer = None
        if pending.joined or pending.left:
            self._notifier.room(room, "presence", _delta(room, pending))
            pending.joined.clear()
            pending.left.clear()
        if room.viewers != pending.told:
            pending.told = room.viewers
            self._notifier.room(room, "viewerCount", {"count": room.viewers})
            # Another change within the second waits for its end.
            pending.timer = asyncio.get_running_loop().call_later(INTERVAL_SECONDS, self._tell, room, pending)


def _delta(room: LiveRoom, pending: _Pending) -> dict[str, Any]:
    joined = [peer.public() for peer in list(pending.joined.values())[:NAMES_IN_BATCH]]
    left = [{"id": peer.id, "name": peer.name} for peer in list(pending.left.values())[:NAMES_IN_BATCH]]
    return {
        "joined": joined,
        "left": left,
        "joinedCount": len(pending.joined),
        "leftCount": len(pending.left),
        "count": len(room.peers),
        "viewerCount": room.viewers,
    }
