"""The DataProducer: a source of messages, over SCTP or from this very program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .entity import Entity, camel
from .errors import InvalidState
from .transport_parameters import SctpStreamParameters
from .validation import U16, U32, integer

if TYPE_CHECKING:
    from .data_streams import DataStreams

#: Payload protocol identifiers of WebRTC (RFC 8831): text, bytes, and both of them empty.
PPID_TEXT, PPID_BYTES, PPID_EMPTY_TEXT, PPID_EMPTY_BYTES = 51, 53, 56, 57


class DataProducer(Entity):
    """A source of messages. Events: "pause", "resume", "transportclose", "close"."""

    __slots__ = ("_transport", "label", "paused", "protocol", "sctp_stream_parameters", "type")

    def __init__(
        self,
        id: str,
        transport: DataStreams,
        app_data: Any,
        *,
        stream: SctpStreamParameters | None,
        label: str,
        protocol: str,
        paused: bool,
    ) -> None:
        super().__init__(id, transport._channel, app_data)
        self._transport = transport
        #: "sctp" or "direct".
        self.type = "sctp" if stream else "direct"
        self.sctp_stream_parameters = stream
        self.label, self.protocol, self.paused = label, protocol, paused

    async def dump(self) -> dict[str, Any]:
        """What the worker knows of it, in mediasoup's camelCase."""
        dump: dict[str, Any] = camel(await self._request("DATAPRODUCER_DUMP"))
        return dump

    async def get_stats(self) -> list[dict[str, Any]]:
        """One dictionary: messages and bytes received."""
        return [{"type": "data-producer", **camel(await self._request("DATAPRODUCER_GET_STATS"))}]

    async def pause(self) -> None:
        """Stops forwarding to every data consumer."""
        await self._request("DATAPRODUCER_PAUSE")
        if not self.paused:
            self.paused = True
            self.emit("pause")

    async def resume(self) -> None:
        """Forwards again. What came meanwhile is lost."""
        await self._request("DATAPRODUCER_RESUME")
        if self.paused:
            self.paused = False
            self.emit("resume")

    def send(
        self,
        message: str | bytes,
        *,
        ppid: int | None = None,
        subchannels: Iterable[int] = (),
        required_subchannel: int | None = None,
    ) -> None:
        """Sends a message from this program; only for data producers of a DirectTransport.

        With `subchannels` only consumers that are in one of them get it; with `required_subchannel` they must also be
        in that one. Raises `InvalidState` for a producer over SCTP, or when the worker does not keep up.
        """
        self._check_open()
        if self.type != "direct":
            raise InvalidState("only a data producer of a DirectTransport can send")
        data, number = encode_message(message, ppid)
        body: dict[str, Any] = {"ppid": number, "data": data}
        if subchannels := list(subchannels):
            body["subchannels"] = [integer(item, "subchannels", 0, U16) for item in subchannels]
        if required_subchannel is not None:
            body["required_subchannel"] = integer(required_subchannel, "required_subchannel", 0, U16)
        self._channel.notify("DATAPRODUCER_SEND", self.id, ("DataProducer_SendNotification", body))

    def close(self) -> None:
        """Ends it. Its consumers get "dataproducerclose". Idempotent."""
        if self._closed:
            return
        self._closed = True
        body = ("Transport_CloseDataProducerRequest", {"data_producer_id": self.id})
        self._channel.post("TRANSPORT_CLOSE_DATAPRODUCER", self._transport.id, body)
        self._transport._forget_data_producer(self)
        self._end()

    def _transport_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._end("transportclose")


def encode_message(message: str | bytes, ppid: int | None) -> tuple[bytes, int]:
    """A message as SCTP has it. It knows no empty ones, so WebRTC sends one byte with a number that says so."""
    data = message.encode() if isinstance(message, str) else bytes(message)
    if ppid is None:
        ppid = PPID_TEXT if isinstance(message, str) else PPID_BYTES
        if not data:
            ppid = PPID_EMPTY_TEXT if isinstance(message, str) else PPID_EMPTY_BYTES
    if ppid in (PPID_EMPTY_TEXT, PPID_EMPTY_BYTES):
        data = b" " if ppid == PPID_EMPTY_TEXT else b"\0"
    return data, integer(ppid, "ppid", 0, U32)
