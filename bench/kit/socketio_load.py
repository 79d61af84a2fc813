"""A lean Socket.IO client for load: WebSocket from the start, JSON, acknowledgements, nothing else."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect


class LoadClient:
    """One connection that speaks Socket.IO protocol 5 over Engine.IO 4."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.events: list[tuple[str, Any]] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, auth: dict[str, str]) -> "LoadClient":
        """Connect and shake hands. Raises AssertionError when the server refuses."""
        place = urlsplit(url).netloc
        connection = await connect(
            f"ws://{place}/socket.io/?EIO=4&transport=websocket", compression=None, max_size=None
        )
        hello = await connection.recv()
        assert isinstance(hello, str) and hello.startswith("0"), hello
        await connection.send("40" + json.dumps(auth))
        welcome = await connection.recv()
        assert isinstance(welcome, str) and welcome.startswith("40"), welcome
        return cls(connection)

    async def request(self, event: str, body: object) -> Any:
        """Emit an event and return its acknowledgement. Raises AssertionError when that is an error."""
        self._next += 1
        number = self._next
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._connection.send(f"42{number}" + json.dumps([event, body]))
        told = await asyncio.wait_for(answer, 30)
        assert not (isinstance(told, dict) and "error" in told), f"{event}: {told}"
        return told

    async def _read(self) -> None:
        async for packet in self._connection:
            assert isinstance(packet, str)
            if packet == "2":
                await self._connection.send("3")
            elif packet.startswith("43"):
                start = packet.index("[")
                self._waiting.pop(int(packet[2:start])).set_result(json.loads(packet[start:])[0])
            elif packet.startswith("42"):
                event, *arguments = json.loads(packet[2:])
                self.events.append((event, arguments[0] if arguments else None))

    async def close(self) -> None:
        """Close the connection."""
        self._reader.cancel()
        await self._connection.close()
