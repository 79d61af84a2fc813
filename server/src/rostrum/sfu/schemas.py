"""What clients put into the media events. RTP and DTLS parameters stay as they came: the controller validates them."""

from typing import Annotated, Any, Literal

import msgspec

from rostrum.kit.errors import FieldError, InvalidInput
from rostrum.kit.messages import Id, Message

Kind = Literal["audio", "video"]
Source = Literal["camera", "mic", "screen", "screen-audio"]
Json = dict[str, Any]


class CreateTransport(Message, frozen=True):
    """`createWebRtcTransport`."""

    direction: Literal["send", "recv"] | None = None
    force_tcp: bool = False


class JoinMedia(Message, frozen=True):
    """`media` of `join`. `tag`: the router capabilities that the client knows already, and by which it has made its
    `rtp_capabilities`."""

    recv: bool = False
    send: bool = False
    force_tcp: bool = False
    tag: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    rtp_capabilities: Json | None = None

    def directions(self, *, on_stage: bool) -> list[Literal["send", "recv"]]:
        """The transports to be made; a viewer has nothing to send."""
        wanted: list[Literal["send", "recv"]] = []
        if self.send and on_stage:
            wanted.append("send")
        if self.recv:
            wanted.append("recv")
        return wanted


class TransportRef(Message, frozen=True):
    """`restartIce`, `closeTransport`."""

    transport_id: Id


class ConnectTransport(TransportRef, frozen=True):
    """`connectTransport`."""

    dtls_parameters: Json


class AppData(Message, frozen=True):
    """What a producer says about itself."""

    type: Source | None = None


class Produce(Message, frozen=True):
    """`produce`. `paused`: it starts muted, as a microphone that was muted before its transport was made anew."""

    producer_transport_id: Id
    kind: Kind
    rtp_parameters: Json
    app_data: AppData | None = None
    paused: bool = False

    @property
    def source(self) -> Source:
        """Camera and microphone unless the client says otherwise."""
        if self.app_data is not None and self.app_data.type is not None:
            return self.app_data.type
        return "mic" if self.kind == "audio" else "camera"

    def check(self) -> None:
        """Raise InvalidInput when kind and source do not go together."""
        if (self.source in ("mic", "screen-audio")) != (self.kind == "audio"):
            errors: list[FieldError] = [{"field": "appData.type", "msg": f"is not a source of {self.kind}"}]
            raise InvalidInput("The type does not go with the kind.", errors=errors)


class Consume(Message, frozen=True):
    """`consume`."""

    consumer_transport_id: Id
    producer_id: Id
    rtp_capabilities: Json
    paused: bool = False


class Resume(Message, frozen=True):
    """`resume`: one consumer, or all of the caller's."""

    consumer_id: Id | None = None


class PreferredLayers(Message, frozen=True):
    """`setPreferredLayers`."""

    consumer_id: Id
    spatial_layer: Annotated[int, msgspec.Meta(ge=0, le=7)]
    temporal_layer: Annotated[int, msgspec.Meta(ge=0, le=7)] | None = None


class ProducerRef(Message, frozen=True):
    """`producerClosed`."""

    producer_id: Id


class OptionalProducerRef(Message, frozen=True):
    """`videoPaused`, `videoResumed`, `screen:shared`."""

    producer_id: Id | None = None


class Mute(Message, frozen=True):
    """`peer:mute`."""

    peer_id: Id | None = None
    id: Id | None = None
    socket_id: Id | None = None
    kind: Kind = "audio"
