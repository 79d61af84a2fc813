"""A Socket.IO client that costs its core next to nothing: bare frames on an asyncio transport, WebSocket alone.

Its frames are masked with zeros, which RFC 6455 allows and which leaves the bytes as they are.
"""

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

TEXT = 0x81


class RawClient(asyncio.Protocol):
    """One connection that speaks Socket.IO protocol 5 over Engine.IO 4.

    Attributes:
        on_event: called with each event's packet, `2["event", body]` as bytes.
    """

    def __init__(self, auth: dict[str, str]) -> None:
        self._auth = auth
        self._buffer = bytearray()
        self._upgraded = False
        self._next = 0
        self._waiting: dict[int, tuple[float, asyncio.Future[tuple[float, bytes]]]] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_event: Callable[[bytes], None] = lambda _packet: None

    @classmethod
    async def open(cls, url: str, auth: dict[str, str]) -> "RawClient":
        """Connect and shake hands. Raises AssertionError when the server refuses."""
        place = urlsplit(url)
        _transport, client = await asyncio.get_running_loop().create_connection(
            lambda: cls(auth), place.hostname, place.port
        )
        await asyncio.wait_for(client._ready, 30)
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
            "Host: bench",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def data_received(self, data: bytes) -> None:
        """Take the answer to the upgrade, then frames."""
        self._buffer += data
        if not self._upgraded:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head.split(b"\r\n", 1)[0], head
            self._upgraded, self._buffer = True, bytearray(rest)
        start = 0
        while (frame := _frame(self._buffer, start)) is not None:
            payload, start = frame
            self._packet(payload)
        del self._buffer[:start]

    def connection_lost(self, _error: Exception | None) -> None:
        """Whoever waits learns of it."""
        for _sent, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(AssertionError("the server closed the connection"))
        if not self._ready.done():
            self._ready.set_exception(AssertionError("the server closed the connection"))

    def _packet(self, packet: bytes) -> None:
        if packet.startswith(b"42"):
            self.on_event(packet[1:])
        elif packet.startswith(b"43"):
            body = packet.index(b"[")
            sent, answer = self._waiting.pop(int(packet[2:body]))
            answer.set_result((time.perf_counter() - sent, packet[body:]))
        elif packet == b"2":
            self._write(b"3")
        elif packet.startswith(b"0"):
            self._write(b"40" + json.dumps(self._auth).encode())
        elif packet.startswith(b"40") and not self._ready.done():
            self._ready.set_result(None)
        elif packet.startswith(b"44"):
            self._ready.set_exception(AssertionError(packet.decode()))

    def _write(self, payload: bytes) -> None:
        size = len(payload)
        head = bytes((TEXT, 0x80 | size)) if size < 126 else bytes((TEXT, 0xFE)) + size.to_bytes(2, "big")
        self._transport.write(head + b"\0\0\0\0" + payload)

    async def timed(self, event: str, body: object) -> tuple[float, Any]:
        """Emit an event; the seconds until its acknowledgement, and that. Raises AssertionError when it is an error."""
        self._next += 1
        answer: asyncio.Future[tuple[float, bytes]] = asyncio.get_running_loop().create_future()
        packet = f"42{self._next}".encode() + json.dumps([event, body]).encode()
        self._waiting[self._next] = (time.perf_counter(), answer)
        self._write(packet)
        seconds, told = await asyncio.wait_for(answer, 60)
        value = json.loads(told)[0]
        assert not (isinstance(value, dict) and "error" in value), f"{event}: {value}"
        return seconds, value

    async def request(self, event: str, body: object) -> Any:
        """Emit an event and return its acknowledgement; AssertionError as `timed`."""
        return (await self.timed(event, body))[1]

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def _frame(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    """The payload of the frame at `start`, and where the next one begins; None while it is incomplete."""
    if len(buffer) < start + 2:
        return None
    size, body = buffer[start + 1] & 0x7F, start + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        body += width
        if len(buffer) < body:
            return None
        size = int.from_bytes(buffer[body - width : body], "big")
    if len(buffer) < body + size:
        return None
    return bytes(buffer[body : body + size]), body + size
