"""The DirectTransport: between a router and this very program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .transport import Transport

if TYPE_CHECKING:
    from .router import Router


class DirectTransport(Transport):
    """Gives this program RTP, RTCP and data messages, and takes them from it.

    Event besides those of `Transport`: "rtcp" (bytes). Consumers emit "rtp", data consumers "message"; producers and
    data producers have `send`.
    """

    __slots__ = ()

    STATS_TYPE = "direct-transport"

    def __init__(self, id: str, router: Router, app_data: Any, dump: dict[str, Any]) -> None:
        super().__init__(id, router, app_data)

    @property
    def _is_direct(self) -> bool:
        return True

    def send_rtcp(self, packet: bytes) -> None:
        """Sends a whole RTCP packet into the router."""
        self._check_open()
        body = ("Transport_SendRtcpNotification", {"data": bytes(packet)})
        self._channel.notify("TRANSPORT_SEND_RTCP", self.id, body)

    def _notified(self, event: str, body: Any) -> None:
        if event == "DIRECTTRANSPORT_RTCP":
            self.emit("rtcp", body["data"])
        else:
            super()._notified(event, body)
