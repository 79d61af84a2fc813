"""What the live core answers: to those who join, and to those who ask where they are."""

from collections.abc import Callable
from typing import Any

from rostrum.live.contributor import Contributor
from rostrum.live.errors import NotInRoom
from rostrum.live.room import LiveRoom, Peer


class Answers:
    """Puts the answers together, the parts of the features above included.

    Args:
        ice_servers: what `join` tells browsers.
        features_of: the features of a tenant's package.
    """

    def __init__(self, ice_servers: list[dict[str, Any]], features_of: Callable[[str], dict[str, bool]]) -> None:
        self._ice_servers = ice_servers
        self._features_of = features_of
        self._contributors: list[Contributor] = []

    def contribute(self, contributor: Contributor) -> None:
        """Let a feature above add its parts."""
        self._contributors.append(contributor)

    async def joined(
        self, peer: Peer, package: str, *, resumed: bool, media: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The acknowledgement of `join`.

        Raises:
            NotInRoom: the room has ended, or the peer was removed, while this was put together.
        """
        parts = [await contributor.join_part(peer, media) for contributor in self._contributors]
        if peer.left:
            raise NotInRoom()
        answer: dict[str, Any] = {
            "id": peer.id,
            "name": peer.name,
            "role": peer.role,
            "resume": peer.resume,
            "resumed": resumed,
            "room": peer.room.public(),
            "peers": self._listed(peer.room, skip=peer),
            "iceServers": self._ice_servers,
            "features": self._features_of(package),
        }
        if peer.on_stage:
            answer["cohostRequests"] = requests(peer.room)
        for part in parts:
            answer.update(part())
        return answer

    def info(self, peer: Peer) -> dict[str, Any]:
        """What `getMyRoomInfo` answers."""
        answer: dict[str, Any] = {
            "id": peer.id,
            "role": peer.role,
            "room": peer.room.public(),
            "peers": self._listed(peer.room),
            "recording": None,
            "whiteboard": None,
        }
        for contributor in self._contributors:
            answer.update(contributor.info_part(peer.room))
        return answer

    def _listed(self, room: LiveRoom, *, skip: Peer | None = None) -> list[dict[str, Any]]:
        """The peers of a room as lists show them."""
        return [self._described(peer) for peer in room.listed() if peer is not skip]

    def _described(self, peer: Peer) -> dict[str, Any]:
        body = peer.public()
        for contributor in self._contributors:
            body.update(contributor.peer_part(peer))
        return body


def requests(room: LiveRoom) -> list[dict[str, Any]]:
    """The open co-host requests, for somebody who may answer them."""
    return [
        {"requestId": request, "socketId": peer.connection_id, "peerId": peer.id, "name": peer.name}
        for request, peer_id in room.requests.items()
        if (peer := room.peers.get(peer_id)) is not None
    ]
