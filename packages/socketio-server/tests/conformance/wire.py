"""Raw clients: they send and show packets as they are on the wire, and answer nothing by themselves."""

import asyncio
import base64
import json
import os
import struct
from typing import Any, Self

import aiohttp

PATIENCE = 10.0
"""Seconds that an expected answer may take; generous, for busy machines."""
QUIET = 0.4
"""Seconds of silence that stand for "nothing comes"."""


class Gone(Exception):
    """The server has closed the transport; `code` is the WebSocket's close code, None without one."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class WebSocket:
    """A WebSocket transport, packet by packet."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket
        self.opened: dict[str, Any] = {}
        self.id = ""

    @classmethod
    async def connect(cls, url: str, query: str = "EIO=4&transport=websocket", **headers: str) -> Self:
        """Open the transport without awaiting a packet. Raises aiohttp.WSServerHandshakeError when it is refused."""
        session = aiohttp.ClientSession()
        try:
            socket = await session.ws_connect(
                f"{url}/socket.io/?{query}",
                headers=headers,
                max_msg_size=0,
                autoping=True,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )
        except BaseException:
            await session.close()
            raise
        return cls(session, socket)

    @classmethod
    async def open(cls, url: str, **headers: str) -> Self:
        """Open a session; its handshake is in `opened`."""
        self = await cls.connect(url, **headers)
        packet = await self.text()
        assert packet[0] == "0", packet
        self.opened = json.loads(packet[1:])
        return self

    @classmethod
    async def join(cls, url: str, namespace: str = "", auth: Any = None, **headers: str) -> Self:
        """Open a session and connect to a namespace; the socket's id is in `id`."""
        self = await cls.open(url, **headers)
        await self.enter(namespace, auth)
        return self

    async def enter(self, namespace: str = "", auth: Any = None) -> str:
        """Connect to a namespace and take the application's greeting; the socket's id."""
        prefix = f"{namespace}," if namespace else ""
        await self.send(f"40{prefix}" + ("" if auth is None else json.dumps(auth)))
        packet = await self.text()
        assert packet.startswith(f"40{prefix}{{"), packet
        self.id = json.loads(packet[2 + len(prefix) :])["sid"]
        greeting = await self.text()
        assert greeting.startswith(f'42{prefix}["auth"'), greeting
        return self.id

    async def send(self, *packets: str | bytes) -> None:
        """Send packets, a frame each."""
        for packet in packets:
            await (self._socket.send_str(packet) if isinstance(packet, str) else self._socket.send_bytes(packet))

    async def receive(self, timeout: float = PATIENCE) -> str | bytes:
        """The next packet. Raises Gone when the server closes, TimeoutError when nothing comes."""
        message = await asyncio.wait_for(self._socket.receive(), timeout)
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return message.data
        raise Gone(self._socket.close_code)

    async def text(self, timeout: float = PATIENCE) -> str:
        """The next packet, which must be text."""
        packet = await self.receive(timeout)
        assert isinstance(packet, str), packet
        return packet

    async def event(self) -> list[Any]:
        """The next packet, which must be an event of the main namespace: its name and its arguments."""
        packet = await self.text()
        assert packet.startswith("42["), packet
        return json.loads(packet[2:])

    async def call(self, event: str, *args: Any, number: int = 1) -> list[Any]:
        """Send an event and return the arguments of its acknowledgement; what comes before it is thrown away."""
        await self.send(f"42{number}" + json.dumps([event, *args]))
        while True:
            packet = await self.receive()
            if isinstance(packet, str) and packet.startswith(f"43{number}["):
                return json.loads(packet[packet.index("[") :])

    async def closed(self, timeout: float = PATIENCE) -> int | None:
        """Wait for the server to close, whatever comes before; the close code."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    await self.receive(timeout)
        except Gone as gone:
            return gone.code

    async def silent(self, seconds: float = QUIET) -> None:
        """Insist that nothing comes."""
        try:
            packet = await self.receive(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"unexpected packet: {packet!r}")

    async def close(self) -> None:
        """Close the transport."""
        await self._socket.close()
        await self._session.close()


class Polling:
    """A long-polling transport, request by request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40))
        self.opened: dict[str, Any] = {}

    @property
    def sid(self) -> str:
        """The session's id."""
        return str(self.opened["sid"])

    @classmethod
    async def open(cls, url: str, **headers: str) -> Self:
        """Open a session; its handshake is in `opened`."""
        self = cls(url)
        status, body = await self.request("GET", "EIO=4&transport=polling", **headers)
        assert status == 200 and body[0] == "0", (status, body)
        self.opened = json.loads(body[1:])
        return self

    @classmethod
    async def join(cls, url: str, namespace: str = "", auth: Any = None) -> Self:
        """Open a session and connect to a namespace."""
        self = await cls.open(url)
        prefix = f"{namespace}," if namespace else ""
        await self.post(f"40{prefix}" + ("" if auth is None else json.dumps(auth)))
        packets: list[str] = []
        while len(packets) < 2:
            packets += await self.packets()
        assert packets[0].startswith(f"40{prefix}{{"), packets
        assert packets[1].startswith(f'42{prefix}["auth"'), packets
        return self

    async def request(
        self, method: str, query: str, data: str | bytes | None = None, **headers: str
    ) -> tuple[int, str]:
        """One request; the status and the body of its answer."""
        async with self.session.request(
            method, f"{self.url}/socket.io/?{query}", data=data, headers=headers
        ) as response:
            return response.status, await response.text()

    @property
    def query(self) -> str:
        """The query that names this session."""
        return f"EIO=4&transport=polling&sid={self.sid}"

    async def get(self) -> tuple[int, str]:
        """One poll."""
        return await self.request("GET", self.query)

    async def post(self, body: str | bytes) -> tuple[int, str]:
        """Send packets."""
        return await self.request("POST", self.query, body, **{"Content-Type": "text/plain;charset=UTF-8"})

    async def packets(self) -> list[str]:
        """The packets of one poll."""
        status, body = await self.get()
        assert status == 200, (status, body)
        return body.split("\x1e")

    async def close(self) -> None:
        """Drop the connections; the session is left to the server."""
        await self.session.close()


class Raw:
    """A TCP connection with a WebSocket handshake and nothing more: frames are built by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.answer = b""

    @classmethod
    async def connect(cls, port: int, query: str = "EIO=4&transport=websocket", *headers: str) -> Self:
        """Send the upgrade request; the head of the answer is in `answer`."""
        self = cls(*await asyncio.open_connection("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET /socket.io/?{query} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            *headers,
        ]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.answer = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        return self

    @classmethod
    async def open(cls, port: int) -> Self:
        """Open a session and take its first packet."""
        self = await cls.connect(port)
        assert b" 101 " in self.answer, self.answer
        opcode, payload = await self.frame()
        assert opcode == 1 and payload[:1] == b"0", (opcode, payload)
        return self

    @classmethod
    async def join(cls, port: int) -> Self:
        """Open a session and connect to the main namespace."""
        self = await cls.open(port)
        self.send(1, b"40")
        for expected in (b"40{", b'42["auth"'):
            opcode, payload = await self.frame()
            assert opcode == 1 and payload.startswith(expected), (opcode, payload)
        return self

    def send(self, opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, reserved: int = 0) -> None:
        """Write one frame."""
        self.writer.write(frame(opcode, payload, fin=fin, masked=masked, reserved=reserved))

    async def frame(self, timeout: float = PATIENCE) -> tuple[int, bytes]:
        """The next frame: its opcode and its payload. Raises IncompleteReadError at the connection's end."""
        async with asyncio.timeout(timeout):
            first, second = await self.reader.readexactly(2)
            assert first & 0x80 and not first & 0x70, "the server neither fragments nor compresses"
            assert not second & 0x80, "a server does not mask"
            size = second
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)

    async def closed(self, timeout: float = PATIENCE) -> int | None:
        """Wait for the server to close, whatever comes before; the close code, None if it sends none."""
        code = None
        try:
            async with asyncio.timeout(timeout):
                while True:
                    opcode, payload = await self.frame(timeout)
                    if opcode == 8 and code is None:
                        code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                        self.send(8, payload[:2])
        except (asyncio.IncompleteReadError, ConnectionError):
            return code

    async def close(self) -> None:
        """Drop the connection."""
        self.writer.close()


def frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """A WebSocket frame as a client sends it (RFC 6455, section 5.2)."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    flag = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, flag | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BBQ", first, flag | 127, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    whole = (mask * (size // 4 + 1))[:size]
    mixed = (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")
    return head + mask + mixed
