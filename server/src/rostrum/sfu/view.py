"""What answers tell of a room's media."""

from typing import Any

from rostrum.live import Contributor, LiveRoom, Part, Peer
from rostrum.sfu.media import MediaRoom
from rostrum.sfu.screen import Screen
from rostrum.sfu.welcome import Welcome


class MediaView(Contributor):
    """Reads; only what a join asks for is made."""

    def __init__(self, rooms: dict[LiveRoom, MediaRoom], screen: Screen, welcome: Welcome) -> None:
        self._rooms = rooms
        self._screen = screen
        self._welcome = welcome

    def producers(self, room: LiveRoom, *, skip: Peer | None = None) -> list[dict[str, Any]]:
        """The room's producers."""
        media_room = self._rooms.get(room)
        if media_room is None:
            return []
        return [send.public() for send in media_room.sends.values() if send.media.peer is not skip]

    async def join_part(self, peer: Peer, media: dict[str, Any] | None) -> Part:
        """Who shares a screen; for one that came back also what it sends; the media that it asks for."""
        welcome = await self._welcome.prepare(peer, media) if media is not None else None

        def part() -> dict[str, Any]:
            told = self._known(peer)
            return {**told, "media": welcome()} if welcome is not None else told

        return part

    def _known(self, peer: Peer) -> dict[str, Any]:
        media_room = self._rooms.get(peer.room)
        part: dict[str, Any] = {"screen": self._screen.public(media_room)}
        if media_room is not None and peer in media_room.peers and peer.takeovers:
            media = media_room.peers[peer]
            part["myProducers"] = [send.public() for send in media.sends.values()]
            part["myTransports"] = list(media.carriers)
        return part

    def peer_part(self, peer: Peer) -> dict[str, Any]:
        """What a peer sends."""
        # Who is not on stage sends nothing, and a list may be of many.
        media_room = self._rooms.get(peer.room) if peer.on_stage else None
        media = media_room.peers.get(peer) if media_room is not None else None
        return {"producers": [send.public() for send in media.sends.values()] if media is not None else []}

    def info_part(self, room: LiveRoom) -> dict[str, Any]:
        """All producers, and who shares a screen."""
        return {"producers": self.producers(room), "screen": self._screen.public(self._rooms.get(room))}
