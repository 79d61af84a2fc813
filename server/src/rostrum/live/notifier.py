"""Tells peers what happened: the way back from the live core to the sockets."""

from typing import Any

from rostrum.kit.realtime import Realtime
from rostrum.live.room import LiveRoom, Peer


class Notifier:
    """Sends events to a peer, to a room, to its stage. A peer in its grace period hears nothing."""

    def __init__(self, realtime: Realtime) -> None:
        self._realtime = realtime

    def peer(self, peer: Peer, event: str, body: Any) -> None:
        """Tell one peer."""
        if peer.connection_id is not None:
            self._realtime.emit(event, body, to=peer.connection_id)

    def room(self, room: LiveRoom, event: str, body: Any, *, skip: Peer | None = None) -> None:
        """Tell everybody in the room, `skip` left out."""
        self._realtime.emit(event, body, to=room.group, skip=skip.connection_id if skip else None)

    def stage(self, room: LiveRoom, event: str, body: Any) -> None:
        """Tell the hosts and co-hosts."""
        self._realtime.emit(event, body, to=room.stage_group)

    def relay(self, peer: Peer, event: str, body: dict[str, Any]) -> None:
        """Pass a peer's event on to the rest of its room, the sender's identity set by the server."""
        self.room(peer.room, event, {**body, **sender(peer)}, skip=peer)


def sender(peer: Peer) -> dict[str, Any]:
    """Who sends, as every relay carries it."""
    return {"socketId": peer.connection_id, "peerId": peer.id, "name": peer.name, "room_id": peer.room.id}
