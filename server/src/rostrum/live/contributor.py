"""What features above add to the answers of the live core, which may not know them."""

from typing import Any

from rostrum.live.room import LiveRoom, Peer


class Contributor:
    """Base of contributors, each part empty. They are registered in services.py."""

    async def join_part(self, peer: Peer) -> dict[str, Any]:
        """Added to the acknowledgement of `join`."""
        return {}

    def peer_part(self, peer: Peer) -> dict[str, Any]:
        """Added to each peer of a list of peers."""
        return {}

    def info_part(self, room: LiveRoom) -> dict[str, Any]:
        """Added to the answer of `getMyRoomInfo`."""
        return {}
