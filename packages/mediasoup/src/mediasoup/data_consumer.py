"""The DataConsumer: a data producer's messages on their way to one receiver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .data_producer import encode_message
from .entity import Entity, camel
from .errors import InvalidState
from .transport_parameters import SctpStreamParameters
from .validation import U16, U32, integer

if TYPE_CHECKING:
    from .data_streams import DataStreams


class DataConsumer(Entity):
    """Messages sent to one receiver.

    Events: "message" (bytes, ppid; direct transports only), "dataproducerclose", "dataproducerpause",
    "dataproducerresume", "bufferedamountlow" (bytes), "sctpsendbufferfull", "transportclose", "close".
    """

    __slots__ = (
        "_transport",
        "buffered_amount_low_threshold",
        "data_producer_id",
        "data_producer_paused",
        "label",
        "paused",
        "protocol",
        "sctp_stream_parameters",
        "subchannels",
        "type",
    )

    def __init__(
        self,
        id: str,
        transport: DataStreams,
        app_data: Any,
        *,
        stream: SctpStreamParameters | None,
        status: dict[str, Any],
    ) -> None:
        super().__init__(id, transport._channel, app_data)
        self._transport = transport
        self.sctp_stream_parameters = stream
        self.data_producer_id: str = status["data_producer_id"]
        #: "sctp" or "direct".
        self.type: str = status["type"]
        self.label: str = status["label"]
        self.protocol: str = status["protocol"]
        self.paused: bool = status["paused"]
        self.data_producer_paused: bool = status["data_producer_paused"]
        self.subchannels: tuple[int, ...] = tuple(status["subchannels"])
        self.buffered_amount_low_threshold: int = status["buffered_amount_low_threshold"]
        self._channel.subscribe(id, self._notified)

    async def dump(self) -> dict[str, Any]:
        """What the worker knows of it, in mediasoup's camelCase."""
        dump: dict[str, Any] = camel(await self._request("DATACONSUMER_DUMP"))
        return dump

    async def get_stats(self) -> list[dict[str, Any]]:
        """One dictionary: messages and bytes sent, bytes that wait."""
        return [{"type": "data-consumer", **camel(await self._request("DATACONSUMER_GET_STATS"))}]

    async def pause(self) -> None:
        """Stops sending. What comes meanwhile is lost."""
        await self._request("DATACONSUMER_PAUSE")
        self.paused = True

    async def resume(self) -> None:
        """Sends again, if the producer is not paused."""
        await self._request("DATACONSUMER_RESUME")
        self.paused = False

    async def get_buffered_amount(self) -> int:
        """The bytes that wait to be sent."""
        amount: int = (await self._request("DATACONSUMER_GET_BUFFERED_AMOUNT"))["buffered_amount"]
        return amount

    async def set_buffered_amount_low_threshold(self, threshold: int) -> None:
        """Emits "bufferedamountlow" when no more than `threshold` bytes wait any longer."""
        body = {"threshold": integer(threshold, "threshold", 0, U32)}
        await self._request(
            "DATACONSUMER_SET_BUFFERED_AMOUNT_LOW_THRESHOLD",
            ("DataConsumer_SetBufferedAmountLowThresholdRequest", body),
        )
        self.buffered_amount_low_threshold = threshold

    async def send(self, message: str | bytes, *, ppid: int | None = None) -> int:
        """Sends a message of this program to this one receiver. Returns the bytes that wait.

        Raises `InvalidState` on a direct transport, `WorkerError` when the message is too long or the buffer is full.
        """
        if self.type == "direct":
            raise InvalidState("a data consumer of a DirectTransport hands messages to this program; it sends none")
        data, number = encode_message(message, ppid)
        body = ("DataConsumer_SendRequest", {"ppid": number, "data": data})
        response = await self._request("DATACONSUMER_SEND", body)
        waiting: int = response["buffered_amount"]
        return waiting

    async def set_subchannels(self, subchannels: Iterable[int]) -> None:
        """Sets the subchannels whose messages it gets; without any it gets those that were sent without."""
        body = {"subchannels": [integer(item, "subchannels", 0, U16) for item in subchannels]}
        await self._change_subchannels("SET", "DataConsumer_SetSubchannelsRequest", body)

    async def add_subchannel(self, subchannel: int) -> None:
        """Adds one subchannel, 0 to 65535."""
        body = {"subchannel": integer(subchannel, "subchannel", 0, U16)}
        await self._change_subchannels("ADD", "DataConsumer_AddSubchannelRequest", body)

    async def remove_subchannel(self, subchannel: int) -> None:
        """Removes one subchannel."""
        body = {"subchannel": integer(subchannel, "subchannel", 0, U16)}
        await self._change_subchannels("REMOVE", "DataConsumer_RemoveSubchannelRequest", body)

    async def _change_subchannels(self, verb: str, table: str, body: dict[str, Any]) -> None:
        noun = "SUBCHANNELS" if verb == "SET" else "SUBCHANNEL"
        response = await self._request(f"DATACONSUMER_{verb}_{noun}", (table, body))
        self.subchannels = tuple(response["subchannels"])

    def close(self) -> None:
        """Stops sending for good. Idempotent."""
        if self._closed:
            return
        self._closed = True
        body = ("Transport_CloseDataConsumerRequest", {"data_consumer_id": self.id})
        self._channel.post("TRANSPORT_CLOSE_DATACONSUMER", self._transport.id, body)
        self._transport._forget_data_consumer(self)
        self._end()

    def _transport_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._end("transportclose")

    def _notified(self, event: str, body: Any) -> None:
        if event == "DATACONSUMER_MESSAGE":
            self.emit("message", body["data"], body["ppid"])
        elif event == "DATACONSUMER_BUFFERED_AMOUNT_LOW":
            self.emit("bufferedamountlow", body["buffered_amount"])
        elif event == "DATACONSUMER_SCTP_SENDBUFFER_FULL":
            self.emit("sctpsendbufferfull")
        elif event == "DATACONSUMER_DATAPRODUCER_CLOSE":
            self._producer_closed()
        elif event == "DATACONSUMER_DATAPRODUCER_PAUSE":
            self.data_producer_paused = True
            self.emit("dataproducerpause")
        elif event == "DATACONSUMER_DATAPRODUCER_RESUME":
            self.data_producer_paused = False
            self.emit("dataproducerresume")

    def _producer_closed(self) -> None:
        if not self._closed:
            self._closed = True
            self._transport._forget_data_consumer(self)
            self._end("dataproducerclose")
