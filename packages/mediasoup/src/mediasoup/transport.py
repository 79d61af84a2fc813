"""What all transports have in common: producers, consumers, and how they end together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from . import ortc
from .capabilities import RtpCapabilities
from .consumer import Consumer, ConsumerLayers
from .consumer_form import ConsumerOptions
from .data_streams import DataStreams
from .entity import camel, new_id
from .errors import InvalidParameters, NotFound
from .parameters import RtcpParameters, RtpEncodingParameters, RtpParameters
from .producer import Producer
from .rtp_common import MediaKind
from .rtp_wire import plain_parameters, rtp_parameters_to_wire
from .stats import transport_stats
from .validation import U32, boolean, choice, integer, text
from .wire import Encoded

if TYPE_CHECKING:
    from .router import Router

TRACE_EVENTS = ("probation", "bwe")
MAX_BITRATE = 1 << 53
#: A MID may be eight bytes long where it travels in RTP packets.
_LAST_MID = 99_999_999


class Transport(DataStreams):
    """Base of the four kinds of transports.

    Events of all: "newproducer", "newconsumer", "newdataproducer", "newdataconsumer" (object), "trace" (dict),
    "routerclose", "close".
    """

    __slots__ = ("_cname", "_consumers", "_next_mid", "_producers")

    #: The `type` of its statistics.
    STATS_TYPE = ""

    def __init__(self, id: str, router: Router, app_data: Any) -> None:
        super().__init__(id, router, app_data)
        self._producers: dict[str, Producer] = {}
        self._consumers: dict[str, Consumer] = {}
        self._next_mid = 0
        self._cname: str | None = None
        router._transports[id] = self
        self._channel.subscribe(id, self._notified)

    @property
    def producers(self) -> tuple[Producer, ...]:
        return tuple(self._producers.values())

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        return tuple(self._consumers.values())

    async def dump(self) -> dict[str, Any]:
        """What the worker knows of it, in mediasoup's camelCase."""
        fields = plain_parameters(await self._request("TRANSPORT_DUMP"))
        dump: dict[str, Any] = camel({**fields.pop("base"), **fields})
        return dump

    async def get_stats(self) -> list[dict[str, Any]]:
        """One dictionary: bytes, bitrates in bit/s, losses, and the state of the connection."""
        return transport_stats(self.STATS_TYPE, await self._request("TRANSPORT_GET_STATS"))

    async def set_max_incoming_bitrate(self, bps: int) -> None:
        """Limits what the other end is told to send, in bit/s; 0 lifts the limit."""
        await self._set_bitrate("Max", "Incoming", bps)

    async def set_max_outgoing_bitrate(self, bps: int) -> None:
        """Limits what is sent, in bit/s; 0 lifts the limit."""
        await self._set_bitrate("Max", "Outgoing", bps)

    async def set_min_outgoing_bitrate(self, bps: int) -> None:
        """Sets what is sent at least, whatever the estimate is, in bit/s; 0 lifts the limit."""
        await self._set_bitrate("Min", "Outgoing", bps)

    async def enable_trace_event(self, types: Iterable[str] = ()) -> None:
        """Emits "trace" for the given things, out of `TRACE_EVENTS`; none switches it off."""
        await self._request(
            "TRANSPORT_ENABLE_TRACE_EVENT", ("Transport_EnableTraceEventRequest", {"events": list(types)})
        )

    async def produce(
        self,
        *,
        kind: MediaKind,
        rtp_parameters: RtpParameters | dict[str, Any],
        paused: bool = False,
        key_frame_request_delay: int = 0,
        id: str | None = None,
        app_data: Any = None,
    ) -> Producer:
        """Lets the other end send a stream into the router.

        `rtp_parameters` may come straight from a client. `key_frame_request_delay` is in milliseconds: no two key
        frames are asked for within it. Raises `InvalidParameters`, `UnsupportedParameters`, `WorkerError`, `Closed`.
        """
        self._check_open()
        choice(kind, "kind", ("audio", "video"))
        given = self._with_cname(_complete(RtpParameters.from_json(rtp_parameters), kind))
        parameters, mapping = ortc.producer_mapping(given, self._router.rtp_capabilities)
        consumable = ortc.consumable_parameters(kind, parameters, self._router.rtp_capabilities, mapping)
        producer_id = new_id() if id is None else text(id, "id", 64)
        if producer_id in self._router._producers:
            raise InvalidParameters(f"a producer with the id {producer_id} exists already")
        body = {
            "producer_id": producer_id,
            "kind": kind,
            "rtp_parameters": rtp_parameters_to_wire(parameters),
            "rtp_mapping": mapping.to_wire(),
            "paused": boolean(paused, "paused"),
            "key_frame_request_delay": integer(key_frame_request_delay, "key_frame_request_delay", 0, U32),
        }
        response = await self._create(
            "TRANSPORT_PRODUCE",
            ("Transport_ProduceRequest", body),
            ("TRANSPORT_CLOSE_PRODUCER", ("Transport_CloseProducerRequest", {"producer_id": producer_id})),
        )
        producer = Producer(
            producer_id,
            self,
            app_data,
            kind=kind,
            type=response["type"],
            rtp_parameters=parameters,
            consumable_rtp_parameters=consumable,
            paused=paused,
        )
        self._producers[producer_id] = self._router._producers[producer_id] = producer
        self.emit("newproducer", producer)
        return producer

    async def consume(
        self,
        *,
        producer_id: str,
        rtp_capabilities: RtpCapabilities | dict[str, Any],
        paused: bool = False,
        mid: str | None = None,
        preferred_layers: ConsumerLayers | dict[str, Any] | None = None,
        ignore_dtx: bool = False,
        enable_rtx: bool | None = None,
        pipe: bool = False,
        app_data: Any = None,
    ) -> Consumer:
        """Sends a producer's stream to the other end.

        `rtp_capabilities` may come straight from a client; parsed once (`RtpCapabilities.from_json`) they cost less.
        `enable_rtx` is by default true for video. With `pipe` all layers are sent. Raises `NotFound`,
        `InvalidParameters`, `UnsupportedParameters`, `WorkerError`, `Closed`.
        """
        self._check_open()
        producer = self._producer(producer_id)
        capabilities = RtpCapabilities.from_json(rtp_capabilities)
        rtx = producer.kind == "video" if enable_rtx is None else boolean(enable_rtx, "enable_rtx")
        form = producer._form(capabilities, rtx)
        layers = None if preferred_layers is None else ConsumerLayers.from_json(preferred_layers)
        options = ConsumerOptions(boolean(paused, "paused"), boolean(ignore_dtx, "ignore_dtx"), layers, pipe)
        if pipe:
            encodings = ortc.renumber(producer.consumable_rtp_parameters.encodings, form.template.rtx)
            parameters = form.template.parameters(encodings, None if mid is None else text(mid, "mid", 8))
        else:
            own_mid = self._take_mid() if mid is None else text(mid, "mid", 8)
            parameters = form.template.parameters((form.template.encoding(ortc.random_ssrc()),), own_mid)
        consumer_id = new_id()
        request = form.request(consumer_id, parameters, options)
        return await self._consume(
            producer, consumer_id, parameters, request, "pipe" if pipe else producer.type, app_data
        )

    async def _consume(
        self,
        producer: Producer,
        consumer_id: str,
        parameters: RtpParameters,
        request: dict[str, Any] | Encoded,
        type: str,
        app_data: Any,
    ) -> Consumer:
        status = await self._create(
            "TRANSPORT_CONSUME",
            ("Transport_ConsumeRequest", request),
            ("TRANSPORT_CLOSE_CONSUMER", ("Transport_CloseConsumerRequest", {"consumer_id": consumer_id})),
        )
        consumer = Consumer(
            consumer_id,
            self,
            app_data,
            producer_id=producer.id,
            kind=producer.kind,
            type=type,
            rtp_parameters=parameters,
            status=status,
        )
        self._consumers[consumer_id] = consumer
        self.emit("newconsumer", consumer)
        return consumer

    def close(self) -> None:
        """Closes it with everything on it. Idempotent."""
        if self._closed:
            return
        self._closed = True
        body = ("Router_CloseTransportRequest", {"transport_id": self.id})
        self._channel.post("ROUTER_CLOSE_TRANSPORT", self._router.id, body)
        self._finish(None)

    def _router_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._finish("routerclose")

    def _listen_server_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._finish("listenserverclose")

    def _finish(self, reason: str | None) -> None:
        self._router._transports.pop(self.id, None)
        self._mark_closed()
        for producer in self.producers:
            self._router._producers.pop(producer.id, None)
            producer._transport_closed()
        for consumer in self.consumers:
            consumer._transport_closed()
        self._producers.clear()
        self._consumers.clear()
        self._finish_data()
        self._end(reason)

    def _mark_closed(self) -> None:
        """Sets the states that a kind of transport has to their last value."""

    def _forget_producer(self, producer: Producer) -> None:
        self._producers.pop(producer.id, None)
        self._router._producers.pop(producer.id, None)

    def _forget_consumer(self, consumer: Consumer) -> None:
        self._consumers.pop(consumer.id, None)

    def _producer(self, producer_id: Any) -> Producer:
        producer = self._router._producers.get(producer_id) if isinstance(producer_id, str) else None
        if producer is None:
            raise NotFound("this router has no such producer")
        return producer

    def _take_mid(self) -> str:
        mid = str(self._next_mid)
        self._next_mid = 0 if self._next_mid == _LAST_MID else self._next_mid + 1
        return mid

    def _with_cname(self, parameters: RtpParameters) -> RtpParameters:
        """Gives all streams of one sender one CNAME, by which receivers know that they belong together."""
        if self._cname is None:
            self._cname = parameters.rtcp.cname or uuid.uuid4().hex[:8]
        return parameters.replace(rtcp=RtcpParameters(self._cname, parameters.rtcp.reduced_size))

    async def _set_bitrate(self, bound: str, direction: str, bps: int) -> None:
        field = f"{bound.lower()}_{direction.lower()}_bitrate"
        body = (f"Transport_Set{bound}{direction}BitrateRequest", {field: integer(bps, field, 0, MAX_BITRATE)})
        await self._request(f"TRANSPORT_SET_{bound.upper()}_{direction.upper()}_BITRATE", body)

    def _notified(self, event: str, body: Any) -> None:
        if event == "TRANSPORT_TRACE":
            self.emit("trace", camel(body))
        else:
            self._data_notified(event, body)


def _complete(parameters: RtpParameters, kind: MediaKind) -> RtpParameters:
    parameters.check()
    for codec in parameters.codecs:
        if codec.kind != kind:
            raise InvalidParameters(f"rtpParameters: {codec.mime_type} in a producer of {cast(str, kind)}")
    return parameters if parameters.encodings else parameters.replace(encodings=(RtpEncodingParameters(),))
