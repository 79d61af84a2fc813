"""The PipeTransport: from one router to another, in the same worker, another one, or another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import ortc
from .consumer import Consumer
from .consumer_form import consumer_fields
from .entity import new_id
from .parameters import RtpParameters
from .rtp_wire import rtp_parameters_to_wire
from .transport import Transport
from .transport_parameters import SrtpParameters, TransportTuple, check_ip
from .validation import U16, integer

if TYPE_CHECKING:
    from .router import Router


class PipeTransport(Transport):
    """One end of a pipe between two routers. `Router.pipe_to_router` makes both ends and keeps them together."""

    __slots__ = ("rtx", "srtp_parameters", "tuple")

    STATS_TYPE = "pipe-transport"

    def __init__(self, id: str, router: Router, app_data: Any, dump: dict[str, Any]) -> None:
        super().__init__(id, router, app_data)
        self.tuple = TransportTuple.from_wire(dump["tuple"])
        self.rtx: bool = dump["rtx"]
        srtp = dump["srtp_parameters"]
        #: Our own key.
        self.srtp_parameters = SrtpParameters(**srtp) if srtp else None
        self._take_sctp(dump["base"])

    async def connect(
        self, *, ip: str, port: int, srtp_parameters: SrtpParameters | dict[str, Any] | None = None
    ) -> None:
        """Tells it the other end's address and SRTP key. Raises `InvalidParameters`, `WorkerError`, `Closed`."""
        srtp = None if srtp_parameters is None else SrtpParameters.from_json(srtp_parameters)
        body = {
            "ip": check_ip(ip, "ip"),
            "port": integer(port, "port", 1, U16),
            "srtp_parameters": srtp and srtp.to_wire(),
        }
        response = await self._request("PIPETRANSPORT_CONNECT", ("PipeTransport_ConnectRequest", body))
        self.tuple = TransportTuple.from_wire(response["tuple"])

    async def consume(self, *, producer_id: str, app_data: Any = None, **_: Any) -> Consumer:
        """Sends all layers of a producer through the pipe. It needs no capabilities: routers understand each other."""
        self._check_open()
        producer = self._producer(producer_id)
        parameters = ortc.pipe_consumer_parameters(producer.consumable_rtp_parameters, self.rtx)
        consumer_id = new_id()
        request = {**consumer_fields(producer, consumer_id, rtp_parameters_to_wire(parameters)), "type": "pipe"}
        return await self._consume(producer, consumer_id, parameters, request, "pipe", app_data)

    def _with_cname(self, parameters: RtpParameters) -> RtpParameters:
        # Many senders come through one pipe, and each keeps its own CNAME.
        if parameters.rtcp.cname:
            return parameters
        self._cname = None
        return super()._with_cname(parameters)

    def _mark_closed(self) -> None:
        if self.sctp_state:
            self.sctp_state = "closed"
