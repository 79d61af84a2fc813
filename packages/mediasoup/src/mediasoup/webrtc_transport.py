"""The WebRtcTransport: a browser's connection, ICE and DTLS-SRTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .recurring import Recurring
from .transport import Transport
from .transport_parameters import DtlsParameters, IceCandidate, IceParameters, TransportTuple

if TYPE_CHECKING:
    from .router import Router


class Facts(NamedTuple):
    """What a new transport has in common with the others on the same ports."""

    ice_lite: bool
    ice_candidates: tuple[IceCandidate, ...]
    ice_state: str
    dtls_parameters: DtlsParameters
    dtls_state: str
    base: dict[str, Any]


def _facts(dump: dict[str, Any]) -> Facts:
    return Facts(
        dump["ice_parameters"]["ice_lite"],
        tuple(IceCandidate(**candidate) for candidate in dump["ice_candidates"]),
        dump["ice_state"],
        DtlsParameters.from_wire(dump["dtls_parameters"]),
        dump["dtls_state"],
        dump["base"],
    )


#: Reads what the worker answers: what is common to many, and the strings that belong to one.
WEBRTC_DUMPS = Recurring(
    "WebRtcTransport.DumpResponse",
    (("base", "id"), ("ice_parameters", "username_fragment"), ("ice_parameters", "password")),
    _facts,
)


class WebRtcTransport(Transport):
    """A connection with a WebRTC endpoint.

    Events besides those of `Transport`: "icestatechange" ("new", "connected", "completed", "disconnected"),
    "iceselectedtuplechange" (`TransportTuple`), "dtlsstatechange" ("new", "connecting", "connected", "failed",
    "closed"), "listenserverclose".
    """

    __slots__ = (
        "dtls_parameters",
        "dtls_remote_cert",
        "dtls_state",
        "ice_candidates",
        "ice_parameters",
        "ice_selected_tuple",
        "ice_state",
    )

    STATS_TYPE = "webrtc-transport"

    def __init__(self, id: str, router: Router, app_data: Any, facts: Facts, strings: tuple[str, ...]) -> None:
        super().__init__(id, router, app_data)
        _, username_fragment, password = strings
        self.ice_parameters = IceParameters(username_fragment, password, facts.ice_lite)
        self.ice_candidates = facts.ice_candidates
        self.ice_state = facts.ice_state
        self.ice_selected_tuple: TransportTuple | None = None
        self.dtls_parameters = facts.dtls_parameters
        self.dtls_state = facts.dtls_state
        #: The other end's certificate as PEM, once DTLS is connected.
        self.dtls_remote_cert: str | None = None
        self._take_sctp(facts.base)

    async def connect(self, *, dtls_parameters: DtlsParameters | dict[str, Any]) -> None:
        """Tells it the other end's certificate, which may come straight from a client.

        Raises `InvalidParameters`, `WorkerError` (connected before), `Closed`.
        """
        parameters = DtlsParameters.from_json(dtls_parameters)
        body = ("WebRtcTransport_ConnectRequest", {"dtls_parameters": parameters.to_wire()})
        response = await self._request("WEBRTCTRANSPORT_CONNECT", body)
        self.dtls_parameters = DtlsParameters(self.dtls_parameters.fingerprints, response["dtls_local_role"])

    async def restart_ice(self) -> IceParameters:
        """Makes new ICE credentials, for an endpoint whose network has changed. Media goes on meanwhile."""
        self.ice_parameters = IceParameters(**await self._request("TRANSPORT_RESTART_ICE"))
        return self.ice_parameters

    def _mark_closed(self) -> None:
        self.ice_state = self.dtls_state = "closed"
        self.ice_selected_tuple = None
        if self.sctp_state:
            self.sctp_state = "closed"

    def _notified(self, event: str, body: Any) -> None:
        if event == "WEBRTCTRANSPORT_ICE_STATE_CHANGE":
            self.ice_state = body["ice_state"]
            self.emit("icestatechange", self.ice_state)
        elif event == "WEBRTCTRANSPORT_ICE_SELECTED_TUPLE_CHANGE":
            self.ice_selected_tuple = TransportTuple.from_wire(body["tuple"])
            self.emit("iceselectedtuplechange", self.ice_selected_tuple)
        elif event == "WEBRTCTRANSPORT_DTLS_STATE_CHANGE":
            self.dtls_state = body["dtls_state"]
            self.dtls_remote_cert = body["remote_cert"] or self.dtls_remote_cert
            self.emit("dtlsstatechange", self.dtls_state)
        else:
            super()._notified(event, body)
