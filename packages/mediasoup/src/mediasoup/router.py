"""The Router: where streams are forwarded between transports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .active_speaker_observer import ActiveSpeakerObserver
from .audio_level_observer import AudioLevelObserver
from .capabilities import RtpCapabilities
from .channel import Body, Channel
from .data_producer import DataProducer
from .direct_transport import DirectTransport
from .entity import Entity, camel, new_id
from .errors import InvalidParameters, MediasoupError
from .ortc import can_consume
from .pipe import PipeOptions, PipeResult, Pipes, Source
from .pipe_transport import PipeTransport
from .plain_transport import PlainTransport
from .producer import Producer
from .rtp_observer import RtpObserver
from .transport import Transport
from .transport_options import MAX_MESSAGE_SIZE, SCTP_SEND_BUFFER_SIZE, WebRtcOptions, base_options, webrtc_form
from .transport_parameters import SRTP_KEY_SIZES, ListenInfo
from .validation import U16, choice, integer
from .webrtc_server import WebRtcServer
from .webrtc_transport import WEBRTC_DUMPS, WebRtcTransport


class Router(Entity):
    """Forwards streams between the transports that it holds.

    Events: "newtransport" (transport), "newrtpobserver" (observer), "workerclose", "close".
    """

    __slots__ = (
        "_data_producers",
        "_observers",
        "_pipes",
        "_producers",
        "_siblings",
        "_transports",
        "rtp_capabilities",
    )

    def __init__(
        self,
        id: str,
        channel: Channel,
        rtp_capabilities: RtpCapabilities,
        app_data: Any,
        siblings: dict[str, Router],
    ) -> None:
        super().__init__(id, channel, app_data)
        #: What endpoints may use in this router. `to_json()` is what clients load.
        self.rtp_capabilities = rtp_capabilities
        self._siblings = siblings
        self._transports: dict[str, Transport] = {}
        self._producers: dict[str, Producer] = {}
        self._data_producers: dict[str, DataProducer] = {}
        self._observers: dict[str, RtpObserver] = {}
        self._pipes = Pipes(self)
        siblings[id] = self

    @property
    def transports(self) -> tuple[Transport, ...]:
        return tuple(self._transports.values())

    @property
    def producers(self) -> tuple[Producer, ...]:
        return tuple(self._producers.values())

    @property
    def rtp_observers(self) -> tuple[RtpObserver, ...]:
        return tuple(self._observers.values())

    async def dump(self) -> dict[str, Any]:
        """What the worker knows of it, in mediasoup's camelCase."""
        dump: dict[str, Any] = camel(await self._request("ROUTER_DUMP"))
        return dump

    def can_consume(self, producer_id: str, rtp_capabilities: RtpCapabilities | dict[str, Any]) -> bool:
        """Whether an endpoint can receive that producer. False also for an unknown one and senseless capabilities."""
        producer = self._producers.get(producer_id) if isinstance(producer_id, str) else None
        if producer is None:
            return False
        try:
            return can_consume(producer.consumable_rtp_parameters, RtpCapabilities.from_json(rtp_capabilities))
        except MediasoupError:
            return False

    async def create_webrtc_transport(
        self,
        *,
        webrtc_server: WebRtcServer | None = None,
        listen_infos: Iterable[ListenInfo] | None = None,
        enable_udp: bool = True,
        enable_tcp: bool = True,
        prefer_udp: bool = True,
        prefer_tcp: bool = False,
        initial_available_outgoing_bitrate: int = 600_000,
        enable_sctp: bool = False,
        num_sctp_streams: tuple[int, int] | None = None,
        max_sctp_message_size: int = MAX_MESSAGE_SIZE,
        sctp_send_buffer_size: int = SCTP_SEND_BUFFER_SIZE,
        ice_consent_timeout: int = 30,
        app_data: Any = None,
    ) -> WebRtcTransport:
        """Makes a transport for a WebRTC endpoint, on the ports of `webrtc_server` or on its own (`listen_infos`).

        `initial_available_outgoing_bitrate` in bit/s, sizes in bytes, `ice_consent_timeout` in seconds (0: never).
        `num_sctp_streams` has no effect any more: this engine always offers the most. Raises `InvalidParameters`,
        `WorkerError`, `Closed`.
        """
        if (webrtc_server is None) == (listen_infos is None):
            raise InvalidParameters("either webrtc_server or listen_infos must be given")
        form = webrtc_form(
            WebRtcOptions(
                enable_udp,
                enable_tcp,
                prefer_udp,
                prefer_tcp,
                initial_available_outgoing_bitrate,
                enable_sctp,
                max_sctp_message_size,
                sctp_send_buffer_size,
                ice_consent_timeout,
            )
        )
        transport_id = new_id()
        if webrtc_server is not None:
            webrtc_server._check_open()
            request = form.on_server(transport_id, webrtc_server.id)
        else:
            request = form.on_own_ports(transport_id, [info.to_wire() for info in listen_infos or ()])
        method = "ROUTER_CREATE_WEBRTCTRANSPORT" + ("_WITH_SERVER" if webrtc_server else "")
        body = ("Router_CreateWebRtcTransportRequest", request)
        facts, strings = await self._create(method, body, _closing(transport_id), WEBRTC_DUMPS.read)
        transport = WebRtcTransport(transport_id, self, app_data, facts, strings)
        if webrtc_server is not None:
            if webrtc_server.closed:
                transport._listen_server_closed()
            else:
                webrtc_server._add(transport)
        self.emit("newtransport", transport)
        return transport

    async def create_plain_transport(
        self,
        *,
        listen_info: ListenInfo,
        rtcp_listen_info: ListenInfo | None = None,
        rtcp_mux: bool = True,
        comedia: bool = False,
        enable_srtp: bool = False,
        srtp_crypto_suite: str = "AEAD_AES_128_GCM",
        enable_sctp: bool = False,
        max_sctp_message_size: int = MAX_MESSAGE_SIZE,
        app_data: Any = None,
    ) -> PlainTransport:
        """Makes a transport for plain RTP. With `comedia` the other end's address is learnt from its first packet.

        GCM is the default suite because it costs the worker half of what AES-CM does. Raises `InvalidParameters`,
        `WorkerError`, `Closed`.
        """
        suite = choice(srtp_crypto_suite, "srtp_crypto_suite", tuple(SRTP_KEY_SIZES))
        options = {
            "base": base_options(enable_sctp, max_sctp_message_size),
            "listen_info": listen_info.to_wire(),
            "rtcp_listen_info": rtcp_listen_info and rtcp_listen_info.to_wire(),
            "rtcp_mux": rtcp_mux and rtcp_listen_info is None,
            "comedia": comedia,
            "enable_srtp": enable_srtp,
            "srtp_crypto_suite": suite,
        }
        transport_id, dump = await self._create_transport(
            "ROUTER_CREATE_PLAINTRANSPORT", "Router_CreatePlainTransportRequest", options
        )
        transport = PlainTransport(transport_id, self, app_data, dump)
        self.emit("newtransport", transport)
        return transport

    async def create_pipe_transport(
        self,
        *,
        listen_info: ListenInfo,
        enable_rtx: bool = False,
        enable_srtp: bool = False,
        enable_sctp: bool = False,
        max_sctp_message_size: int = MAX_MESSAGE_SIZE,
        app_data: Any = None,
    ) -> PipeTransport:
        """Makes one end of a pipe to another router. Raises `InvalidParameters`, `WorkerError`, `Closed`."""
        options = {
            "base": base_options(enable_sctp, max_sctp_message_size),
            "listen_info": listen_info.to_wire(),
            "enable_rtx": enable_rtx,
            "enable_srtp": enable_srtp,
        }
        transport_id, dump = await self._create_transport(
            "ROUTER_CREATE_PIPETRANSPORT", "Router_CreatePipeTransportRequest", options
        )
        transport = PipeTransport(transport_id, self, app_data, dump)
        self.emit("newtransport", transport)
        return transport

    async def create_direct_transport(
        self, *, max_message_size: int = MAX_MESSAGE_SIZE, app_data: Any = None
    ) -> DirectTransport:
        """Makes a transport between the router and this program. `max_message_size` in bytes. Raises `Closed`."""
        options = {"base": base_options(False, max_message_size, direct=True)}
        transport_id, dump = await self._create_transport(
            "ROUTER_CREATE_DIRECTTRANSPORT", "Router_CreateDirectTransportRequest", options
        )
        transport = DirectTransport(transport_id, self, app_data, dump)
        self.emit("newtransport", transport)
        return transport

    async def pipe_to_router(
        self,
        *,
        router: Router,
        producer_id: str | None = None,
        data_producer_id: str | None = None,
        listen_info: ListenInfo | None = None,
        keep_id: bool | None = None,
        enable_rtx: bool = False,
        enable_srtp: bool = False,
    ) -> PipeResult:
        """Makes a producer or a data producer available in another router.

        The copy has the same id if `keep_id`, which is the default between workers and impossible within one.
        Two routers share one pair of pipe transports, whoever asks first and however many at once. The copy is paused,
        resumed and closed with the original. `listen_info` (127.0.0.1 by default), `enable_rtx` and `enable_srtp` count
        for the first call between two routers. Raises `NotFound`, `InvalidParameters`, `WorkerError`, `Closed`.
        """
        if (producer_id is None) == (data_producer_id is None):
            raise InvalidParameters("either producer_id or data_producer_id must be given")
        if router is self:
            raise InvalidParameters("a router cannot be piped to itself")
        same_worker = router._channel is self._channel
        if keep_id and same_worker:
            raise InvalidParameters("keep_id is impossible within one worker")
        source = Source(producer_id, data_producer_id, keep_id is not False and not same_worker)
        return await self._pipes.pipe(router, source, PipeOptions(listen_info or ListenInfo(), enable_rtx, enable_srtp))

    async def create_active_speaker_observer(
        self, *, interval: int = 300, app_data: Any = None
    ) -> ActiveSpeakerObserver:
        """Makes an observer that looks for the dominant speaker every `interval` milliseconds."""
        options = {"interval": integer(interval, "interval", 1, U16)}
        observer_id = await self._create_observer(
            "ROUTER_CREATE_ACTIVESPEAKEROBSERVER", "Router_CreateActiveSpeakerObserverRequest", options
        )
        observer = ActiveSpeakerObserver(observer_id, self, app_data)
        self.emit("newrtpobserver", observer)
        return observer

    async def create_audio_level_observer(
        self, *, max_entries: int = 1, threshold: int = -80, interval: int = 1000, app_data: Any = None
    ) -> AudioLevelObserver:
        """Makes an observer that reports volumes every `interval` milliseconds.

        `max_entries` producers at most, none below `threshold` in dBov (-127 to 0).
        """
        options = {
            "max_entries": integer(max_entries, "max_entries", 1, U16),
            "threshold": integer(threshold, "threshold", -127, 0),
            "interval": integer(interval, "interval", 1, U16),
        }
        observer_id = await self._create_observer(
            "ROUTER_CREATE_AUDIOLEVELOBSERVER", "Router_CreateAudioLevelObserverRequest", options
        )
        observer = AudioLevelObserver(observer_id, self, app_data)
        self.emit("newrtpobserver", observer)
        return observer

    def close(self) -> None:
        """Closes it with every transport and observer in it. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._channel.post("WORKER_CLOSE_ROUTER", "", ("Worker_CloseRouterRequest", {"router_id": self.id}))
        self._finish(None)

    def _worker_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._finish("workerclose")

    def _finish(self, reason: str | None) -> None:
        self._siblings.pop(self.id, None)
        for transport in self.transports:
            transport._router_closed()
        for observer in self.rtp_observers:
            observer._router_closed()
        self._observers.clear()
        self._end(reason)

    async def _create_transport(self, method: str, table: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        transport_id = new_id()
        body = (table, {"transport_id": transport_id, "options": options})
        return transport_id, await self._create(method, body, _closing(transport_id))

    async def _create_observer(self, method: str, table: str, options: dict[str, Any]) -> str:
        observer_id = new_id()
        close = ("Router_CloseRtpObserverRequest", {"rtp_observer_id": observer_id})
        await self._create(
            method, (table, {"rtp_observer_id": observer_id, "options": options}), ("ROUTER_CLOSE_RTPOBSERVER", close)
        )
        return observer_id


def _closing(transport_id: str) -> tuple[str, Body]:
    """The request that closes a transport again."""
    return "ROUTER_CLOSE_TRANSPORT", ("Router_CloseTransportRequest", {"transport_id": transport_id})
