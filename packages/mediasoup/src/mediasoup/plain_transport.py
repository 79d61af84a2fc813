"""The PlainTransport: RTP, SRTP or SCTP over UDP without ICE or DTLS, for ffmpeg, GStreamer and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import InvalidParameters
from .transport import Transport
from .transport_parameters import SrtpParameters, TransportTuple, check_ip
from .validation import U16, optional_integer

if TYPE_CHECKING:
    from .router import Router


class PlainTransport(Transport):
    """A plain UDP connection.

    Events besides those of `Transport`: "tuple" and "rtcptuple" (`TransportTuple`), when `comedia` has learnt the other
    end's address.
    """

    __slots__ = ("comedia", "rtcp_mux", "rtcp_tuple", "srtp_parameters", "tuple")

    STATS_TYPE = "plain-rtp-transport"

    def __init__(self, id: str, router: Router, app_data: Any, dump: dict[str, Any]) -> None:
        super().__init__(id, router, app_data)
        self.rtcp_mux: bool = dump["rtcp_mux"]
        self.comedia: bool = dump["comedia"]
        self._take(dump)
        self._take_sctp(dump["base"])

    async def connect(
        self,
        *,
        ip: str | None = None,
        port: int | None = None,
        rtcp_port: int | None = None,
        srtp_parameters: SrtpParameters | dict[str, Any] | None = None,
    ) -> None:
        """Tells it the other end's address (not with `comedia`, which learns it) and SRTP key.

        Raises `InvalidParameters`, `WorkerError`, `Closed`.
        """
        srtp = None if srtp_parameters is None else SrtpParameters.from_json(srtp_parameters)
        body = {
            "ip": None if ip is None else check_ip(ip, "ip"),
            "port": optional_integer(port, "port", 1, U16),
            "rtcp_port": optional_integer(rtcp_port, "rtcp_port", 1, U16),
            "srtp_parameters": srtp and srtp.to_wire(),
        }
        if not self.comedia and (ip is None or port is None):
            raise InvalidParameters("ip and port are needed without comedia")
        response = await self._request("PLAINTRANSPORT_CONNECT", ("PlainTransport_ConnectRequest", body))
        self._take({name: value for name, value in response.items() if value is not None})

    def _take(self, fields: dict[str, Any]) -> None:
        self.tuple = TransportTuple.from_wire(fields["tuple"])
        rtcp, srtp = fields.get("rtcp_tuple"), fields.get("srtp_parameters")
        self.rtcp_tuple = TransportTuple.from_wire(rtcp) if rtcp else None
        #: Our own key.
        self.srtp_parameters = SrtpParameters(**srtp) if srtp else None

    def _mark_closed(self) -> None:
        if self.sctp_state:
            self.sctp_state = "closed"

    def _notified(self, event: str, body: Any) -> None:
        if event == "PLAINTRANSPORT_TUPLE":
            self.tuple = TransportTuple.from_wire(body["tuple"])
            self.emit("tuple", self.tuple)
        elif event == "PLAINTRANSPORT_RTCP_TUPLE":
            self.rtcp_tuple = TransportTuple.from_wire(body["tuple"])
            self.emit("rtcptuple", self.rtcp_tuple)
        else:
            super()._notified(event, body)
