"""A crowd of Socket.IO viewers that costs the load's core little: raw frames are counted, hardly any is parsed."""

import asyncio
import json
import socket
import zlib
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {place}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CHAT = (b'42["mes', b'42["sen')
"""How the two events of a chat message begin."""


class Member(asyncio.Protocol):
    """One viewer: it shakes hands, sends events, and counts the chat that it hears.

    Attributes:
        heard: how many chat events have come.
        checksum: CRC-32 over all chat events in their order: viewers that heard the same have the same.
        lost: whether the connection ended.
        on_chat: called with each chat event's payload, if set.
    """

    def __init__(self) -> None:
        self.heard = 0
        self.checksum = 0
        self.received = 0
        self.lost = False
        self.on_chat: Callable[[bytes], None] | None = None
        self._rest = b""
        self._number = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._waiting: asyncio.Future[bytes] | None = None
        self._is_open = False

    @classmethod
    async def open(cls, url: str, auth: dict[str, str]) -> Self:
        """Connect and shake hands. Raises AssertionError when the server refuses."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        transport, self = await loop.create_connection(cls, parts.hostname, parts.port)
        self._transport = transport
        head = await self._next(REQUEST.format(place=parts.netloc).encode())
        assert b" 101 " in head, head
        hello = await self._next()
        assert hello.startswith(b"0"), hello
        welcome = await self._next(framed("40" + json.dumps(auth)))
        assert welcome.startswith(b"40"), welcome
        return self

    async def _next(self, send: bytes = b"") -> bytes:
        """The next packet of the handshake, after `send` was sent."""
        if send:
            self._transport.write(send)
        self._waiting = asyncio.get_running_loop().create_future()
        self._advance()
        return await asyncio.wait_for(self._waiting, 60)

    def data_received(self, data: bytes) -> None:
        """Count what has come."""
        self.received += len(data)
        self._rest = self._rest + data if self._rest else data
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember it."""
        self.lost = True

    def _advance(self) -> None:
        data = self._rest
        if not self._is_open:
            end = data.find(b"\r\n\r\n")
            if end < 0 or self._waiting is None or self._waiting.done():
                return
            self._is_open, self._rest = True, data[end + 4 :]
            self._waiting.set_result(data[:end])
            return
        at, size = 0, len(data)
        heard, checksum = 0, self.checksum
        while at + 4 <= size:
            length = data[at + 1]
            if length < 126:
                start = at + 2
            elif length == 126:
                start, length = at + 4, data[at + 2] << 8 | data[at + 3]
            else:
                start, length = at + 10, int.from_bytes(data[at + 2 : at + 10])
            end = start + length
            if end > size:
                break
            if data[start : start + 7] in CHAT:
                heard += 1
                checksum = zlib.crc32(data[start:end], checksum)
                if self.on_chat is not None:
                    self.on_chat(data[start:end])
            elif not self._other(data[at] & 15, data[start:end]):
                break
            at = end
        self.heard += heard
        self.checksum = checksum
        self._rest = data[at:]

    def _other(self, opcode: int, packet: bytes) -> bool:
        """Take what is no chat; False when nobody waits for it yet."""
        if opcode == 8:
            self.lost = True
        elif packet == b"2":
            self._transport.write(framed("3"))
        elif packet.startswith(b"43"):
            start = packet.index(b"[")
            answer = self._answers.pop(int(packet[2:start]), None)
            if answer is not None and not answer.done():
                answer.set_result(json.loads(packet[start:])[0])
        elif packet.startswith((b"0", b"40", b"44")):
            if self._waiting is None or self._waiting.done():
                return False
            self._waiting.set_result(packet)
        return True

    def ask(self, event: str, body: object) -> asyncio.Future[Any]:
        """Send an event; the future of its acknowledgement."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        self._transport.write(framed(f"42{self._number}" + json.dumps([event, body])))
        return answer

    async def request(self, event: str, body: object) -> Any:
        """Send an event and return its acknowledgement. Raises AssertionError when that is an error."""
        told = await asyncio.wait_for(self.ask(event, body), 60)
        assert not (isinstance(told, dict) and "error" in told), f"{event}: {told}"
        return told

    def stop_reading(self) -> None:
        """Read nothing any more, as a viewer whose network has stalled."""
        # Otherwise the kernel, whose limits for a connection are tens of MiB, would do the reading for a while.
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        self._transport.pause_reading()

    def reset(self) -> None:
        """Count anew."""
        self.heard = self.checksum = self.received = 0

    async def close(self) -> None:
        """Drop the connection."""
        self._transport.abort()


def framed(text: str) -> bytes:
    """A frame whose mask is zero: allowed, and free."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, 0x80 | size)) + bytes(4) + payload
    return bytes((0x81, 0xFE)) + size.to_bytes(2) + bytes(4) + payload


async def gather(url: str, auth: dict[str, str], count: int, *, at_once: int = 20) -> list[Member]:
    """Open so many connections, a few at a time."""
    free = asyncio.Semaphore(at_once)

    async def one() -> Member:
        async with free:
            return await Member.open(url, auth)

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def enter(members: list[Member], room_id: str, *, at_once: int = 20) -> None:
    """Let all join a room, a few at a time."""
    free = asyncio.Semaphore(at_once)

    async def one(number: int, member: Member) -> None:
        async with free:
            await member.request("join", {"room_id": room_id, "name": f"Viewer {number}"})

    await asyncio.gather(*(one(number, member) for number, member in enumerate(members)))
