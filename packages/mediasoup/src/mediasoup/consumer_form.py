"""How consumers of one producer are asked for, on behalf of one kind of receiver: worked out and encoded once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .consumer import ConsumerLayers
from .ortc import ConsumerTemplate
from .parameters import RtpParameters
from .rtp_wire import encode_parts, rtp_parameters_to_wire
from .stencil import Stencil
from .wire import Encoded, codec

if TYPE_CHECKING:
    from .producer import Producer


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a consumer begins."""

    paused: bool
    ignore_dtx: bool
    layers: ConsumerLayers | None = None
    pipe: bool = False


class ConsumerForm:
    """The template of such consumers, and their requests but for ids and SSRCs."""

    __slots__ = ("_parts", "_producer", "_stencils", "template")

    def __init__(self, producer: Producer, template: ConsumerTemplate) -> None:
        self.template = template
        self._parts = encode_parts(template.parameters((), None))
        self._producer = producer
        self._stencils: dict[tuple[int, int, ConsumerOptions], Stencil] = {}

    def request(self, consumer_id: str, parameters: RtpParameters, options: ConsumerOptions) -> Encoded:
        """The request for a consumer with these parameters, which the template has made."""
        mid = parameters.mid
        if options.pipe or options.layers or mid is None or not mid.isascii():
            return self._encode(consumer_id, parameters, options)
        key = (len(consumer_id), len(mid), options)
        stencil = self._stencils.get(key) or self._draw(key)
        (encoding,) = parameters.encodings
        if encoding.rtx_ssrc is None:
            return stencil.fill(consumer_id, mid, encoding.ssrc or 0)
        return stencil.fill(consumer_id, mid, encoding.ssrc or 0, encoding.rtx_ssrc)

    def _draw(self, key: tuple[int, int, ConsumerOptions]) -> Stencil:
        id_size, mid_size, options = key

        def draw(consumer_id: str, mid: str, ssrc: int, rtx_ssrc: int | None = None) -> Encoded:
            encoding = self.template.encoding(ssrc, rtx_ssrc)
            return self._encode(consumer_id, self.template.parameters((encoding,), mid), options)

        ssrcs = (1, 2) if self.template.rtx else (1,)
        stencil = self._stencils[key] = Stencil(draw, "1" * id_size, "1" * mid_size, *ssrcs)
        return stencil

    def _encode(self, consumer_id: str, parameters: RtpParameters, options: ConsumerOptions) -> Encoded:
        wire = rtp_parameters_to_wire(parameters, self._parts)
        fields = {
            **consumer_fields(self._producer, consumer_id, wire),
            "type": "pipe" if options.pipe else self._producer.type,
            "paused": options.paused,
            "preferred_layers": options.layers and options.layers.to_wire(),
            "ignore_dtx": options.ignore_dtx,
        }
        return codec("Transport.ConsumeRequest").encode(fields)


def consumer_fields(producer: Producer, consumer_id: str, wire: dict[str, Any]) -> dict[str, Any]:
    """What every request for a consumer of this producer says; `wire` are its RTP parameters."""
    return {
        "consumer_id": consumer_id,
        "producer_id": producer.id,
        "kind": producer.kind,
        "rtp_parameters": wire,
        "consumable_rtp_encodings": producer._encodings(),
    }
