"""What features above add to the answers of the live core, which may not know them."""

from collections.abc import Callable
from typing import Any

from rostrum.live.room import LiveRoom, Peer

Part = Callable[[], dict[str, Any]]


class Contributor:
    """Base of contributors, each part empty. They are registered in services.py."""

    async def join_part(self, peer: Peer, media: dict[str, Any] | None) -> Part:
        """Added to the acknowledgement of `join`; `media` is what the join says of media, unread.

        What takes time is done here; what is given back tells the state of things at the moment of the answer, so that
        nothing that the room hears meanwhile is contradicted by it.
        """
        return dict

    def peer_part(self, peer: Peer) -> dict[str, Any]:
        """Added to each peer of a list of peers."""
        return {}

    def info_part(self, room: LiveRoom) -> dict[str, Any]:
        """Added to the answer of `getMyRoomInfo`."""
        return {}
