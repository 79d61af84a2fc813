"""The half of a transport that deals with messages: data producers and data consumers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .data_consumer import DataConsumer
from .data_producer import DataProducer
from .entity import Entity, new_id
from .errors import InvalidParameters, InvalidState, NotFound
from .transport_parameters import SctpParameters, SctpStreamParameters
from .validation import U16, boolean, integer, text

if TYPE_CHECKING:
    from .router import Router

MAX_STREAMS = 65535
MAX_SUBCHANNELS = 4096
MAX_LABEL = 1024


def check_subchannels(values: Iterable[int]) -> list[int]:
    """A list of subchannels, 0 to 65535. Raises `InvalidParameters`."""
    checked = [integer(value, f"subchannels[{i}]", 0, U16) for i, value in enumerate(values)]
    if len(checked) > MAX_SUBCHANNELS:
        raise InvalidParameters(f"at most {MAX_SUBCHANNELS} subchannels are allowed")
    return checked


class DataStreams(Entity):
    """Base of `Transport`. Event: "sctpstatechange" (state: "new", "connecting", "connected", "failed", "closed")."""

    __slots__ = (
        "_data_consumers",
        "_data_producers",
        "_next_stream",
        "_router",
        "_streams",
        "sctp_negotiated_streams",
        "sctp_parameters",
        "sctp_state",
    )

    def __init__(self, id: str, router: Router, app_data: Any) -> None:
        super().__init__(id, router._channel, app_data)
        self._router = router
        self._data_producers: dict[str, DataProducer] = {}
        self._data_consumers: dict[str, DataConsumer] = {}
        self._streams: set[int] = set()
        self._next_stream = 0
        self.sctp_parameters: SctpParameters | None = None
        self.sctp_state: str | None = None
        #: (outgoing, incoming) numbers of SCTP streams, once they are negotiated.
        self.sctp_negotiated_streams: tuple[int, int] | None = None

    @property
    def data_producers(self) -> tuple[DataProducer, ...]:
        return tuple(self._data_producers.values())

    @property
    def data_consumers(self) -> tuple[DataConsumer, ...]:
        return tuple(self._data_consumers.values())

    @property
    def _is_direct(self) -> bool:
        return False

    async def produce_data(
        self,
        *,
        sctp_stream_parameters: SctpStreamParameters | dict[str, Any] | None = None,
        label: str = "",
        protocol: str = "",
        paused: bool = False,
        id: str | None = None,
        app_data: Any = None,
    ) -> DataProducer:
        """Lets the other end send messages into the router; on a direct transport, this program.

        `sctp_stream_parameters` may come straight from a client; a direct transport takes none. Raises
        `InvalidParameters`, `WorkerError`, `Closed`.
        """
        self._check_open()
        stream = None if self._is_direct else SctpStreamParameters.from_json(sctp_stream_parameters)
        producer_id = new_id() if id is None else text(id, "id", 64)
        if producer_id in self._router._data_producers:
            raise InvalidParameters(f"a data producer with the id {producer_id} exists already")
        body = {
            "data_producer_id": producer_id,
            "type": "direct" if self._is_direct else "sctp",
            "sctp_stream_parameters": stream and stream.to_wire(),
            "label": text(label, "label", MAX_LABEL, least=0),
            "protocol": text(protocol, "protocol", MAX_LABEL, least=0),
            "paused": boolean(paused, "paused"),
        }
        await self._create(
            "TRANSPORT_PRODUCE_DATA",
            ("Transport_ProduceDataRequest", body),
            ("TRANSPORT_CLOSE_DATAPRODUCER", ("Transport_CloseDataProducerRequest", {"data_producer_id": producer_id})),
        )
        producer = DataProducer(
            producer_id, self, app_data, stream=stream, label=label, protocol=protocol, paused=paused
        )
        self._data_producers[producer_id] = self._router._data_producers[producer_id] = producer
        self.emit("newdataproducer", producer)
        return producer

    async def consume_data(
        self,
        *,
        data_producer_id: str,
        ordered: bool | None = None,
        max_packet_life_time: int | None = None,
        max_retransmits: int | None = None,
        paused: bool = False,
        subchannels: Iterable[int] = (),
        app_data: Any = None,
    ) -> DataConsumer:
        """Sends a data producer's messages to the other end; on a direct transport, to this program.

        How reliably is taken from the producer where it is not given. `max_packet_life_time` in milliseconds. Raises
        `NotFound`, `InvalidParameters`, `InvalidState` (no stream left), `WorkerError`, `Closed`.
        """
        self._check_open()
        found = self._router._data_producers.get(data_producer_id) if isinstance(data_producer_id, str) else None
        if found is None:
            raise NotFound("this router has no such data producer")
        channels = check_subchannels(subchannels)
        stream = None
        if not self._is_direct:
            stream = _reliability(found.sctp_stream_parameters, ordered, max_packet_life_time, max_retransmits)
            stream = replace(stream, stream_id=self._take_stream())
        try:
            return await self._consume_data(found, stream, boolean(paused, "paused"), channels, app_data)
        except BaseException:
            self._release_stream(stream)
            raise

    async def _consume_data(
        self,
        producer: DataProducer,
        stream: SctpStreamParameters | None,
        paused: bool,
        subchannels: list[int],
        app_data: Any,
    ) -> DataConsumer:
        consumer_id = new_id()
        body = {
            "data_consumer_id": consumer_id,
            "data_producer_id": producer.id,
            "type": "direct" if self._is_direct else "sctp",
            "sctp_stream_parameters": stream and stream.to_wire(),
            "label": producer.label,
            "protocol": producer.protocol,
            "paused": paused,
            "subchannels": subchannels,
        }
        status = await self._create(
            "TRANSPORT_CONSUME_DATA",
            ("Transport_ConsumeDataRequest", body),
            ("TRANSPORT_CLOSE_DATACONSUMER", ("Transport_CloseDataConsumerRequest", {"data_consumer_id": consumer_id})),
        )
        consumer = DataConsumer(consumer_id, self, app_data, stream=stream, status=status)
        self._data_consumers[consumer_id] = consumer
        self.emit("newdataconsumer", consumer)
        return consumer

    def _finish_data(self) -> None:
        for producer in self.data_producers:
            self._router._data_producers.pop(producer.id, None)
            producer._transport_closed()
        for consumer in self.data_consumers:
            consumer._transport_closed()
        self._data_producers.clear()
        self._data_consumers.clear()

    def _forget_data_producer(self, producer: DataProducer) -> None:
        self._data_producers.pop(producer.id, None)
        self._router._data_producers.pop(producer.id, None)

    def _forget_data_consumer(self, consumer: DataConsumer) -> None:
        self._data_consumers.pop(consumer.id, None)
        self._release_stream(consumer.sctp_stream_parameters)

    def _take_stream(self) -> int:
        most = self.sctp_negotiated_streams[0] if self.sctp_negotiated_streams else MAX_STREAMS
        for i in range(most):
            number = (self._next_stream + i) % most
            if number not in self._streams:
                self._streams.add(number)
                self._next_stream = (number + 1) % most
                return number
        raise InvalidState("every SCTP stream of this transport is in use")

    def _release_stream(self, stream: SctpStreamParameters | None) -> None:
        if stream is not None:
            self._streams.discard(stream.stream_id)

    def _take_sctp(self, base: dict[str, Any]) -> None:
        if base["sctp_parameters"]:
            self.sctp_parameters = SctpParameters(**base["sctp_parameters"])
            self.sctp_state = base["sctp_state"]

    def _data_notified(self, event: str, body: Any) -> None:
        if event == "TRANSPORT_SCTP_STATE_CHANGE":
            self.sctp_state = body["sctp_state"]
            self.emit("sctpstatechange", self.sctp_state)
        elif event == "TRANSPORT_SCTP_NEGOTIATED_CAPABILITIES":
            given = body["negotiated_capabilities"]
            self.sctp_negotiated_streams = (
                given["negotiated_max_outbound_streams"],
                given["negotiated_max_inbound_streams"],
            )


def _reliability(
    base: SctpStreamParameters | None, ordered: bool | None, life_time: int | None, retransmits: int | None
) -> SctpStreamParameters:
    """How reliably a consumer sends: as the producer does, unless the caller says otherwise."""
    if ordered is None and life_time is None and retransmits is None:
        return base or SctpStreamParameters(0)
    return SctpStreamParameters.from_json(
        {"streamId": 0, "ordered": ordered, "maxPacketLifeTime": life_time, "maxRetransmits": retransmits}
    )
