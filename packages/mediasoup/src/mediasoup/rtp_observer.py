"""What both observers of audio have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .entity import Entity
from .errors import NotFound

if TYPE_CHECKING:
    from .router import Router


class RtpObserver(Entity):
    """Watches producers of audio in one router. Events of both kinds: "routerclose", "close"."""

    __slots__ = ("_router", "paused")

    def __init__(self, id: str, router: Router, app_data: Any) -> None:
        super().__init__(id, router._channel, app_data)
        self._router = router
        self.paused = False
        router._observers[id] = self
        self._channel.subscribe(id, self._notified)

    async def pause(self) -> None:
        """Stops observing."""
        await self._request("RTPOBSERVER_PAUSE")
        self.paused = True

    async def resume(self) -> None:
        """Observes again."""
        await self._request("RTPOBSERVER_RESUME")
        self.paused = False

    async def add_producer(self, producer_id: str) -> None:
        """Observes one more producer. It is forgotten when it closes. Raises `NotFound`, `Closed`."""
        body = {"producer_id": self._known(producer_id)}
        await self._request("RTPOBSERVER_ADD_PRODUCER", ("RtpObserver_AddProducerRequest", body))

    async def remove_producer(self, producer_id: str) -> None:
        """Stops observing a producer. Raises `NotFound`, `Closed`."""
        body = {"producer_id": self._known(producer_id)}
        await self._request("RTPOBSERVER_REMOVE_PRODUCER", ("RtpObserver_RemoveProducerRequest", body))

    def close(self) -> None:
        """Stops observing for good. Idempotent."""
        if self._closed:
            return
        self._closed = True
        body = ("Router_CloseRtpObserverRequest", {"rtp_observer_id": self.id})
        self._channel.post("ROUTER_CLOSE_RTPOBSERVER", self._router.id, body)
        self._router._observers.pop(self.id, None)
        self._end()

    def _router_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._end("routerclose")

    def _known(self, producer_id: Any) -> str:
        if not isinstance(producer_id, str) or producer_id not in self._router._producers:
            raise NotFound("this router has no such producer")
        return producer_id

    def _notified(self, event: str, body: Any) -> None:
        raise NotImplementedError
