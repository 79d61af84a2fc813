"""The Producer: a stream of audio or video that somebody sends into a router."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .capabilities import RtpCapabilities
from .consumer_form import ConsumerForm
from .entity import Entity, camel
from .ortc import consumer_template
from .parameters import RtpParameters
from .rtp_common import MediaKind
from .rtp_wire import encode_encodings, plain_parameters
from .stats import stream_stats
from .wire import Encoded

if TYPE_CHECKING:
    from .transport import Transport

TRACE_EVENTS = ("keyframe", "fir", "nack", "pli", "rtp", "sr")
#: Results kept a producer, one for each different kind of receiver. Most audiences have a handful of browsers.
MAX_FORMS = 64


class Producer(Entity):
    """A stream sent into a router.

    Events: "score" (list of {encodingIdx, ssrc, rid, score}, score 0 to 10), "videoorientationchange" ({camera, flip,
    rotation in degrees}), "trace" (dict), "pause", "resume", "transportclose", "close".
    """

    __slots__ = (
        "_consumable_encodings",
        "_forms",
        "_transport",
        "consumable_rtp_parameters",
        "kind",
        "paused",
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
        kind: MediaKind,
        type: str,
        rtp_parameters: RtpParameters,
        consumable_rtp_parameters: RtpParameters,
        paused: bool,
    ) -> None:
        super().__init__(id, transport._channel, app_data)
        self._transport = transport
        self.kind = kind
        #: "simple", "simulcast" or "svc".
        self.type = type
        self.rtp_parameters = rtp_parameters
        #: What the router offers of it to consumers.
        self.consumable_rtp_parameters = consumable_rtp_parameters
        self.paused = paused
        self.score: list[dict[str, Any]] = []
        self._forms: dict[tuple[int, bool], tuple[RtpCapabilities, ConsumerForm]] = {}
        self._consumable_encodings: Encoded | None = None
        self._channel.subscribe(id, self._notified)

    async def dump(self) -> dict[str, Any]:
        """What the worker knows of it, in mediasoup's camelCase."""
        dump: dict[str, Any] = camel(plain_parameters(await self._request("PRODUCER_DUMP")))
        return dump

    async def get_stats(self) -> list[dict[str, Any]]:
        """One dictionary for each stream that comes in: packets, bytes, bitrate in bit/s, losses, jitter, score."""
        return stream_stats(await self._request("PRODUCER_GET_STATS"))

    async def pause(self) -> None:
        """Stops forwarding to every consumer, which get "producerpause"."""
        await self._request("PRODUCER_PAUSE")
        if not self.paused:
            self.paused = True
            self.emit("pause")

    async def resume(self) -> None:
        """Forwards again. Consumers of video ask for a key frame by themselves."""
        await self._request("PRODUCER_RESUME")
        if self.paused:
            self.paused = False
            self.emit("resume")

    async def enable_trace_event(self, types: Iterable[str] = ()) -> None:
        """Emits "trace" for the given things, out of `TRACE_EVENTS`; none switches it off."""
        await self._request(
            "PRODUCER_ENABLE_TRACE_EVENT", ("Producer_EnableTraceEventRequest", {"events": list(types)})
        )

    def send(self, packet: bytes) -> None:
        """Puts a whole RTP packet into the stream. Only for producers of a DirectTransport."""
        self._check_open()
        self._channel.notify("PRODUCER_SEND", self.id, ("Producer_SendNotification", {"data": bytes(packet)}))

    def close(self) -> None:
        """Ends the stream. Its consumers get "producerclose". Idempotent."""
        if self._closed:
            return
        self._closed = True
        body = {"producer_id": self.id}
        self._channel.post("TRANSPORT_CLOSE_PRODUCER", self._transport.id, ("Transport_CloseProducerRequest", body))
        self._transport._forget_producer(self)
        self._end()

    def _transport_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._end("transportclose")

    def _form(self, capabilities: RtpCapabilities, enable_rtx: bool) -> ConsumerForm:
        """How consumers with these capabilities are asked for. Raises `UnsupportedParameters`."""
        key = (id(capabilities), enable_rtx)
        known = self._forms.get(key)
        if known is None:
            template = consumer_template(self.consumable_rtp_parameters, capabilities, enable_rtx)
            if len(self._forms) >= MAX_FORMS:
                self._forms.pop(next(iter(self._forms)))
            # The capabilities are kept so that their id stays theirs.
            known = self._forms[key] = capabilities, ConsumerForm(self, template)
        return known[1]

    def _encodings(self) -> Encoded:
        if self._consumable_encodings is None:
            self._consumable_encodings = encode_encodings(self.consumable_rtp_parameters.encodings)
        return self._consumable_encodings

    def _notified(self, event: str, body: Any) -> None:
        if event == "PRODUCER_SCORE":
            self.score = [camel(score) for score in body["scores"]]
            self.emit("score", self.score)
        elif event == "PRODUCER_VIDEO_ORIENTATION_CHANGE":
            self.emit("videoorientationchange", camel(body))
        elif event == "PRODUCER_TRACE":
            self.emit("trace", camel(body))
