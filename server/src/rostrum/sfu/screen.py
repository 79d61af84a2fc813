"""One sharer of a screen in a room."""

import asyncio
from collections.abc import Callable
from typing import Any

from rostrum.live import Notifier, Peer, sender
from rostrum.sfu.errors import ScreenBusy
from rostrum.sfu.media import MediaRoom, PeerMedia, Send

DROP_SECONDS = 3.0
SOURCES = ("screen", "screen-audio")


class Screen:
    """Who shares. The place is taken by `screen:shared` or by producing a screen, whichever comes first; it is free
    again when the sharer says so, ends its screen's producer, leaves, or has been without its socket for 3 s."""

    def __init__(self, notifier: Notifier, close_send: Callable[[Send], None]) -> None:
        self._notifier = notifier
        self._close_send = close_send
        self._announced: set[Peer] = set()

    def reserve(self, media: PeerMedia) -> None:
        """Take the place; ScreenBusy if somebody else has it."""
        self.check(media)
        media.room.screen = media.peer
        media.room.screen_socket = media.peer.connection_id

    def check(self, media: PeerMedia) -> None:
        """Raise ScreenBusy if somebody else has the place."""
        holder = media.room.screen
        if holder is not None and holder is not media.peer:
            raise ScreenBusy(by={"peerId": holder.id, "socketId": holder.connection_id, "name": holder.name})

    def share(self, media: PeerMedia, producer_id: str | None) -> None:
        """Take the place and tell the room."""
        self.reserve(media)
        if producer_id is None:
            producer_id = next((send.id for send in media.sends.values() if send.source == "screen"), None)
        self._announced.add(media.peer)
        self._notifier.relay(media.peer, "screen:shared", {"producer_id": producer_id, "peer_id": media.peer.id})

    def release(self, media: PeerMedia) -> None:
        """Give the place up, end the screen's producers and tell the room; harmless for who does not have it."""
        if media.room.screen is not media.peer:
            return
        media.room.screen = None
        for send in list(media.sends.values()):
            if send.source in SOURCES:
                self._close_send(send)
        self._announced.discard(media.peer)
        # A sharer who has left has no socket any more; the others know it by the one it had.
        socket_id = media.peer.connection_id or media.room.screen_socket
        body = {**sender(media.peer), "socketId": socket_id, "peer_id": media.peer.id}
        self._notifier.room(media.peer.room, "screen:stopped", body, skip=media.peer)

    def failed(self, media: PeerMedia) -> None:
        """A screen's producer did not start. Who has announced sharing keeps the place and may try again."""
        if media.room.screen is media.peer and media.peer not in self._announced and not _shares(media):
            media.room.screen = None

    def ended(self, media: PeerMedia) -> None:
        """A screen's producer has ended: without another one the place is free."""
        if not _shares(media):
            self.release(media)

    def release_later(self, media: PeerMedia) -> None:
        """The sharer has lost its socket: a short interruption is nobody's business, a longer one frees the place."""
        asyncio.get_running_loop().call_later(DROP_SECONDS, self._release_if_gone, media)

    def _release_if_gone(self, media: PeerMedia) -> None:
        if media.peer.connection_id is None:
            self.release(media)

    def public(self, room: MediaRoom | None) -> dict[str, Any] | None:
        """Who shares, as answers tell it; None if nobody does."""
        if room is None or room.screen is None:
            return None
        media = room.of(room.screen)
        producer_id = next((send.id for send in media.sends.values() if send.source == "screen"), None)
        return {
            "socketId": room.screen.connection_id or room.screen_socket,
            "peer_id": room.screen.id,
            "name": room.screen.name,
            "producer_id": producer_id,
        }


def _shares(media: PeerMedia) -> bool:
    return any(send.source == "screen" for send in media.sends.values())
