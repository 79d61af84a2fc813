"""The WebRtcServer: one set of UDP and TCP ports for any number of WebRTC transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .channel import Channel
from .entity import Entity, camel

if TYPE_CHECKING:
    from .webrtc_transport import WebRtcTransport


class WebRtcServer(Entity):
    """Listens for the transports that were made with it.

    Events: "workerclose", "close". Closing it closes its transports ("listenserverclose").
    """

    __slots__ = ("_siblings", "_transports")

    def __init__(self, id: str, channel: Channel, app_data: Any, siblings: dict[str, WebRtcServer]) -> None:
        super().__init__(id, channel, app_data)
        self._siblings = siblings
        self._transports: dict[str, WebRtcTransport] = {}
        siblings[id] = self

    @property
    def transports(self) -> tuple[WebRtcTransport, ...]:
        return tuple(self._transports.values())

    async def dump(self) -> dict[str, Any]:
        """Its sockets and transports, in mediasoup's camelCase. Raises `Closed`, `RequestTimeout`."""
        dump: dict[str, Any] = camel(await self._request("WEBRTCSERVER_DUMP"))
        return dump

    def close(self) -> None:
        """Stops listening and closes every transport that uses it. Idempotent."""
        if self._closed:
            return
        self._closed = True
        body = {"web_rtc_server_id": self.id}
        self._channel.post("WORKER_WEBRTCSERVER_CLOSE", "", ("Worker_CloseWebRtcServerRequest", body))
        self._siblings.pop(self.id, None)
        for transport in self.transports:
            transport._listen_server_closed()
        self._end()

    def _worker_closed(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._siblings.pop(self.id, None)
        # Its transports were closed by their routers.
        self._transports.clear()
        self._end("workerclose")

    def _add(self, transport: WebRtcTransport) -> None:
        self._transports[transport.id] = transport
        transport.on("close", lambda: self._remove(transport))

    def _remove(self, transport: WebRtcTransport) -> None:
        self._transports.pop(transport.id, None)
