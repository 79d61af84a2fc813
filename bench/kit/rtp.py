"""A stream of RTP over loopback into a media server, and the sink that counts what comes out of it."""

import socket
import struct
import time
from dataclasses import dataclass, field

SSRC, PAYLOAD_TYPE = 1111, 96
PACKET_BYTES = 1100
PACKETS_A_FRAME = 20
_BUFFER = 64 << 20
_RTCP_TYPES = range(192, 224)


def video_rtp_parameters() -> dict[str, object]:
    """The RTP parameters of the stream that `Stream` sends."""
    return {
        "codecs": [
            {
                "mimeType": "video/VP8",
                "payloadType": PAYLOAD_TYPE,
                "clockRate": 90000,
                "parameters": {},
                "rtcpFeedback": [{"type": "nack", "parameter": "pli"}],
            }
        ],
        "headerExtensions": [],
        "encodings": [{"ssrc": SSRC}],
        "rtcp": {"cname": "bench"},
    }


def receiver_capabilities() -> dict[str, object]:
    """The capabilities of each receiver: VP8 as routers offer it (opus takes payload type 100, VP8 the next).

    No congestion feedback: the engine would probe the bandwidth with packets of its own, and they would be counted.
    """
    vp8 = {"kind": "video", "mimeType": "video/VP8", "preferredPayloadType": 101, "clockRate": 90000, "parameters": {}}
    feedback = [{"type": "nack", "parameter": ""}, {"type": "nack", "parameter": "pli"}]
    return {"codecs": [{**vp8, "rtcpFeedback": feedback}], "headerExtensions": []}


@dataclass
class Sink:
    """Counts RTP packets by SSRC, and those whose sequence number does not follow the one before."""

    port: int = 0
    received: dict[int, int] = field(default_factory=dict)
    out_of_order: int = 0
    _last: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, 33, _BUFFER)  # SO_RCVBUFFORCE, which root may use.
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    @property
    def total(self) -> int:
        """Packets received so far."""
        return sum(self.received.values())

    def drain(self, at_most: int = 1000) -> int:
        """Read what is waiting, up to `at_most` packets; how many there were."""
        buffer = bytearray(2048)
        for count in range(at_most):
            try:
                self._socket.recv_into(buffer)
            except BlockingIOError:
                return count
            if buffer[1] in _RTCP_TYPES:
                continue
            sequence, ssrc = struct.unpack_from("!HxxxxI", buffer, 2)
            before = self._last.get(ssrc)
            if before is not None and sequence != (before + 1) & 0xFFFF:
                self.out_of_order += 1
            self._last[ssrc] = sequence
            self.received[ssrc] = self.received.get(ssrc, 0) + 1
        return at_most

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Stream:
    """A video stream in evenly paced packets, with VP8's payload descriptor so that key frames are seen."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._sent = 0
        self._filling = bytes(PACKET_BYTES - 12 - 4)

    def _packet(self) -> bytes:
        frame, part = divmod(self._sent, PACKETS_A_FRAME)
        marker = 0x80 if part == PACKETS_A_FRAME - 1 else 0
        key = frame % 30 == 0
        header = struct.pack(
            "!BBHII", 0x80, marker | PAYLOAD_TYPE, self._sent & 0xFFFF, frame * 3000 & 0xFFFFFFFF, SSRC
        )
        # The descriptor's S bit starts a frame; the lowest bit of the frame's first byte is 0 in a key frame.
        descriptor = bytes([0x10 if part == 0 else 0x00, 0x00 if key else 0x01, 0x00, 0x00])
        return header + descriptor + self._filling

    def run(self, packets_a_second: float, seconds: float, sink: Sink) -> int:
        """Send at this rate for this long while the sink is drained; how many packets were sent."""
        count = int(packets_a_second * seconds)
        began = time.perf_counter()
        for number in range(count):
            due = began + number / packets_a_second
            while time.perf_counter() < due:
                if not sink.drain(200):
                    time.sleep(0.0002)
            self._socket.send(self._packet())
            self._sent += 1
        return count

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def settle(sink: Sink, expected: int) -> None:
    """Drain until `expected` packets have come or nothing has come for half a second."""
    quiet = time.perf_counter()
    while sink.total < expected and time.perf_counter() - quiet < 0.5:
        if sink.drain():
            quiet = time.perf_counter()
        else:
            time.sleep(0.001)
