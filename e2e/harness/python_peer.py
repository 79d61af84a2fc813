"""A client that nobody here wrote: pymediasoup with aiortc, over python-socketio."""

import array
import asyncio
import math
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import socketio
from aiortc import AudioStreamTrack, VideoStreamTrack
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame
from pymediasoup import AiortcHandler, Device
from pymediasoup.models.transport import DtlsParameters
from pymediasoup.rtp_parameters import RtpCapabilities, RtpParameters
from pymediasoup.transport import Transport

T = TypeVar("T")


class Loop:
    """An asyncio loop in a thread of its own, since Playwright's synchronous API occupies the test's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 30.0) -> T:
        """Run a coroutine to its end. Raises what it raises, or TimeoutError."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def close(self) -> None:
        """Stop the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class ToneTrack(AudioStreamTrack):
    """A 440 Hz tone at about a quarter of full scale; aiortc's own audio track is silence."""

    async def recv(self) -> AudioFrame:
        """The next 20 ms of the tone."""
        frame = await super().recv()
        assert isinstance(frame, AudioFrame)
        first = frame.pts or 0
        step = 2 * math.pi * 440 / frame.sample_rate
        samples = (int(8000 * math.sin(step * (first + i))) for i in range(frame.samples))
        frame.planes[0].update(array.array("h", samples).tobytes())
        return frame


class PythonPeer:
    """Joins a room, publishes generated tracks, receives everybody else's."""

    def __init__(self) -> None:
        self.socket = socketio.AsyncClient()
        self.frames = {"audio": 0, "video": 0}
        self.tracks: list[MediaStreamTrack] = [VideoStreamTrack(), ToneTrack()]
        self.device = Device(handlerFactory=AiortcHandler.createFactory(tracks=self.tracks))
        self.transports: list[Transport] = []
        self._readers: list[asyncio.Task[None]] = []
        self._incoming: asyncio.Queue[str] = asyncio.Queue()

    async def request(self, event: str, data: Any = None) -> Any:
        """Send an event and return its acknowledgement. Raises AssertionError when it is an error."""
        answer = await self.socket.call(event, data, timeout=15)
        assert not (isinstance(answer, dict) and "error" in answer), f"{event}: {answer}"
        return answer

    async def enter(self, url: str, room_id: str, name: str, auth: dict[str, str] | None = None) -> dict[str, Any]:
        """Connect, join and make the device ready; the join's acknowledgement."""
        await self.socket.connect(url, auth=auth or {}, transports=["websocket"])
        self.socket.on("newProducers", self._announced)
        joined: dict[str, Any] = await self.request("join", {"room_id": room_id, "name": name})
        capabilities = await self.request("getRouterRtpCapabilities")
        await self.device.load(RtpCapabilities(**capabilities))
        return joined

    def _announced(self, producers: list[dict[str, Any]]) -> None:
        for producer in producers:
            self._incoming.put_nowait(producer["producer_id"])

    async def _transport(self, direction: str) -> Transport:
        told = await self.request("createWebRtcTransport", {"direction": direction})
        create = self.device.createSendTransport if direction == "send" else self.device.createRecvTransport
        transport = create(
            id=told["id"],
            iceParameters=told["iceParameters"],
            iceCandidates=told["iceCandidates"],
            dtlsParameters=told["dtlsParameters"],
            sctpParameters=told.get("sctpParameters"),
        )

        @transport.on("connect")  # type: ignore[untyped-decorator]
        async def connect(dtls: DtlsParameters) -> None:
            body = {"transport_id": transport.id, "dtlsParameters": dtls.model_dump(exclude_none=True)}
            assert await self.request("connectTransport", body) == "success"

        self.transports.append(transport)
        return transport

    async def publish(self) -> list[str]:
        """Send the generated video and audio; the producers' ids."""
        transport = await self._transport("send")

        @transport.on("produce")  # type: ignore[untyped-decorator]
        async def produce(kind: str, rtp: RtpParameters, app_data: dict[str, Any]) -> str:
            answer = await self.request(
                "produce",
                {
                    "producerTransportId": transport.id,
                    "kind": kind,
                    "rtpParameters": rtp.model_dump(exclude_none=True),
                    "appData": app_data,
                },
            )
            return str(answer["producer_id"])

        made = []
        for track, source in zip(self.tracks, ("camera", "mic"), strict=True):
            producer = await transport.produce(track=track, appData={"type": source})
            made.append(producer.id)
        return made

    async def receive_all(self) -> int:
        """Consume every producer there is in the room; how many."""
        transport = await self._transport("recv")
        producers = await self.request("getProducers")
        for producer in producers:
            await self._consume(transport, producer["producer_id"])
        return len(producers)

    async def _consume(self, transport: Transport, producer_id: str) -> None:
        capabilities = self.device.recvRtpCapabilities
        assert capabilities is not None
        told = await self.request(
            "consume",
            {
                "consumerTransportId": transport.id,
                "producerId": producer_id,
                "rtpCapabilities": capabilities.model_dump(exclude_none=True),
            },
        )
        consumer = await transport.consume(
            id=told["id"],
            producerId=told["producerId"],
            kind=told["kind"],
            rtpParameters=RtpParameters(**told["rtpParameters"]),
        )
        assert consumer.track is not None
        self._readers.append(asyncio.create_task(self._count(consumer.track)))
        await self.request("resume", {"consumer_id": told["id"]})

    async def _count(self, track: MediaStreamTrack) -> None:
        while True:
            await track.recv()
            self.frames[track.kind] += 1

    async def leave(self) -> None:
        """Leave the room and close everything."""
        await self.request("exitRoom")
        for reader in self._readers:
            reader.cancel()
        for transport in self.transports:
            await transport.close()
        await self.socket.disconnect()
