"""The Consumer: a producer's stream on its way to one receiver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .entity import Entity, camel
from .parameters import RtpParameters
from .rtp_common import MediaKind
from .rtp_wire import plain_parameters
from .stats import stream_stats
from .validation import integer, mapping, optional_integer

if TYPE_CHECKING:
    from .transport import Transport

TRACE_EVENTS = ("keyframe", "fir", "nack", "pli", "rtp")


@dataclass(frozen=True, slots=True)
class ConsumerLayers:
    """Layers of simulcast or SVC, counted from 0, the worst."""

    spatial_layer: int
    temporal_layer: int | None = None

    @classmethod
    def from_json(cls, value: Any, path: str = "preferredLayers") -> ConsumerLayers:
        """Reads `{spatialLayer, temporalLayer?}`. Raises `InvalidParameters`."""
        if isinstance(value, cls):
            return value
        given = mapping(value, path)
        return cls(
            integer(given.get("spatialLayer"), f"{path}.spatialLayer", 0, 255),
            optional_integer(given.get("temporalLayer"), f"{path}.temporalLayer", 0, 255),
        )

    @classmethod
    def from_wire(cls, wire: dict[str, Any] | None) -> ConsumerLayers | None:
        return None if wire is None else cls(wire["spatial_layer"], wire["temporal_layer"])

    def to_wire(self) -> dict[str, Any]:
        return {"spatial_layer": self.spatial_layer, "temporal_layer": self.temporal_layer}

    def to_json(self) -> dict[str, Any]:
        layers = {"spatialLayer": self.spatial_layer}
        if self.temporal_layer is not None:
            layers["temporalLayer"] = self.temporal_layer
        return layers


@dataclass(frozen=True, slots=True)
class ConsumerScore:
    """Quality from 0 to 10: of what the receiver gets, of the layer it gets, of every layer of the producer."""

    score: int = 10
    producer_score: int = 10
    producer_scores: tuple[int, ...] = ()

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> ConsumerScore:
        return cls(wire["score"], wire["producer_score"], tuple(wire["producer_scores"]))

    def to_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "producerScore": self.producer_score,
            "producerScores": list(self.producer_scores),
        }


class Consumer(Entity):
    """A stream sent to one receiver.

    Make it paused, resume it when the receiver is ready, then ask for a key frame. Events: "producerclose",
    "producerpause", "producerresume", "score" (`ConsumerScore`), "layerschange" (`ConsumerLayers` or None), "rtp"
    (bytes, direct transports only), "trace" (dict), "pause" and "resume" (it stopped or started for either reason),
    "transportclose", "close".
    """

    __slots__ = (
        "_transport",
        "current_layers",
        "kind",
        "paused",
        "preferred_layers",
        "priority",
        "producer_id",
        "producer_paused",
        "rtp_parameters",
        "score",
        "type",
    )

    def __init__(
        self,
        id: str,
        transport: Transport,
        app_data: Any,
        *,
        producer_id: str,
        kind: MediaKind,
        type: str,
        rtp_parameters: RtpParameters,
        status: dict[str, Any],
    ) -> None:
        super().__init__(id, transport._channel, app_data)
        self._transport = transport
        self.producer_id = producer_id
        self.kind = kind
        #: "simple", "simulcast", "svc" or "pipe".
        self.type = type
        self.rtp_parameters = rtp_parameters
        self.paused: bool = status["paused"]
        self.producer_paused: bool = status["producer_paused"]
        self.priority = 1
        self.score = ConsumerScore.from_wire(status["score"])
        self.preferred_layers = ConsumerLayers.from_wire(status["preferred_layers"])
        self.current_layers: ConsumerLayers | None = None
        self._channel.subscribe(id, self._notified)

    async def dump(self) -> dict[str, Any]:
        """What the worker knows of it, in mediasoup's camelCase."""
        data = plain_parameters((await self._request("CONSUMER_DUMP"))["data"])
        dump: dict[str, Any] = camel({**data.pop("base"), **data})
        return dump

    async def get_stats(self) -> list[dict[str, Any]]:
        """One dictionary for each stream that goes out, and one for each that comes in from the producer."""
        return stream_stats(await self._request("CONSUMER_GET_STATS"))

    async def pause(self) -> None:
        """Stops sending."""
        await self._request("CONSUMER_PAUSE")
        self._set_pauses(True, self.producer_paused)

    async def resume(self) -> None:
        """Sends, if the producer is not paused."""
        await self._request("CONSUMER_RESUME")
        self._set_pauses(False, self.producer_paused)

    async def set_preferred_layers(self, spatial: int, temporal: int | None = None) -> None:
        """Sets the best layers that it may get, of simulcast or SVC. Raises `InvalidParameters`."""
        layers = ConsumerLayers(
            integer(spatial, "spatial", 0, 255), None if temporal is None else integer(temporal, "temporal", 0, 255)
        )
        body = {"preferred_layers": layers.to_wire()}
        response = await self._request("CONSUMER_SET_PREFERRED_LAYERS", ("Consumer_SetPreferredLayersRequest", body))
        self.preferred_layers = ConsumerLayers.from_wire((response or {}).get("preferred_layers"))

    async def set_priority(self, priority: int) -> None:
        """Sets which consumers of a transport get bandwidth first: 1 (the default) to 255."""
        body = {"priority": integer(priority, "priority", 1, 255)}
        response = await self._request("CONSUMER_SET_PRIORITY", ("Consumer_SetPriorityRequest", body))
        self.priority = response["priority"]

    async def request_key_frame(self) -> None:
        """Asks the producer for a key frame. Does nothing for audio."""
        self._check_open()
        # The worker never answers this for audio that goes through a pipe.
        if self.kind == "video":
            await self._request("CONSUMER_REQUEST_KEY_FRAME")

    async def enable_trace_event(self, types: Iterable[str] = ()) -> None:
        """Emits "trace" for the given things, out of `TRACE_EVENTS`; none switches it off."""
        await self._request(
            "CONSUMER_ENABLE_TRACE_EVENT", ("Consumer_EnableTraceEventRequest", {"events": list(types)})
        )

    def close(self) -> None:
        """Stops sending for good. Idempotent."""
        if self._closed:
            return
        self._closed = True
        body = {"consumer_id": self.id}
        self._channel.post("TRANSPORT_CLOSE_CONSUMER", self._transport.id, ("Transport_CloseConsumerRequest", body))
        self._transport._forget_consumer(self)
        self._end()

    def _transport_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._end("transportclose")

    def _producer_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._transport._forget_consumer(self)
            self._end("producerclose")

    def _set_pauses(self, own: bool, producer: bool) -> None:
        before = self.paused or self.producer_paused
        self.paused, self.producer_paused = own, producer
        after = own or producer
        if before != after:
            self.emit("pause" if after else "resume")

    def _notified(self, event: str, body: Any) -> None:
        if event == "CONSUMER_SCORE":
            self.score = ConsumerScore.from_wire(body["score"])
            self.emit("score", self.score)
        elif event == "CONSUMER_LAYERS_CHANGE":
            self.current_layers = ConsumerLayers.from_wire(body and body["layers"])
            self.emit("layerschange", self.current_layers)
        elif event == "CONSUMER_RTP":
            self.emit("rtp", body["data"])
        elif event == "CONSUMER_PRODUCER_CLOSE":
            self._producer_closed()
        elif event in ("CONSUMER_PRODUCER_PAUSE", "CONSUMER_PRODUCER_RESUME"):
            self._producer_switched(event == "CONSUMER_PRODUCER_PAUSE")
        elif event == "CONSUMER_TRACE":
            self.emit("trace", camel(body))

    def _producer_switched(self, paused: bool) -> None:
        if paused != self.producer_paused:
            self._set_pauses(self.paused, paused)
            self.emit("producerpause" if paused else "producerresume")
