"""A lean HTTP client for load: requests made beforehand, answers compared byte by byte with what must come."""

import asyncio
import random
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, cast
from urllib.parse import urlsplit

CONNECTIONS: Final = 32
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it is sent, and the body that must answer it."""

    request: bytes
    body: bytes


@dataclass
class Tally:
    """What a run has seen; `first_wrong` is the first answer that was none, or another one than expected."""

    right: int = 0
    first_wrong: bytes = b""
    seconds: list[float] = field(default_factory=list)


def fetch(url: str, headers: dict[str, str]) -> bytes:
    """The body of one GET. Raises urllib.error.HTTPError unless it is answered 2xx."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        body: bytes = answer.read()
    return body


def exchange(url: str, headers: dict[str, str]) -> Exchange:
    """A GET with the answer that this server gives to it now."""
    place = urlsplit(url)
    target = f"{place.path}?{place.query}" if place.query else place.path
    lines = [f"GET {target} HTTP/1.1", f"host: {place.netloc}", *(f"{name}: {text}" for name, text in headers.items())]
    return Exchange("\r\n".join([*lines, "", ""]).encode(), fetch(url, headers))


class _Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next: one of the callers."""

    def __init__(self, exchanges: Sequence[Exchange], tally: Tally, seed: int) -> None:
        self._order = random.Random(seed)
        self._exchanges = exchanges
        self._tally = tally
        self._buffer = b""
        self._stopping = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not derived from it.
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(_END_OF_HEAD)
        if not found:
            return
        lower = head.lower()
        start = lower.index(_LENGTH) + len(_LENGTH)
        if len(body) < int(lower[start:].split(b"\r\n", 1)[0]):
            return
        if head.startswith(b"HTTP/1.1 200 ") and body == self._expected.body:
            self._tally.right += 1
        else:
            self._tally.first_wrong = self._tally.first_wrong or self._buffer
        self._buffer = b""
        if self._stopping:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None or not self._stopping:
            self._tally.first_wrong = self._tally.first_wrong or b"the connection was lost"
        if not self.done.done():
            self.done.set_result(None)

    def stop(self) -> None:
        """Send no further request; the connection closes after the answer that it waits for."""
        self._stopping = True

    def _send(self) -> None:
        self._expected = self._order.choice(self._exchanges)
        self._transport.write(self._expected.request)


async def load(url: str, exchanges: Sequence[Exchange], seconds: float) -> Tally:
    """Ask for this long over `CONNECTIONS` connections, each with one request on its way at a time."""
    place = urlsplit(url)
    tally = Tally()
    loop = asyncio.get_running_loop()
    connections = []
    for seed in range(CONNECTIONS):
        make = partial(_Connection, exchanges, tally, seed)
        _, connection = await loop.create_connection(make, place.hostname or "", place.port or 80)
        connections.append(connection)
    await asyncio.sleep(seconds)
    for connection in connections:
        connection.stop()
    async with asyncio.timeout(30):
        await asyncio.gather(*(connection.done for connection in connections))
    return tally


class _Asking(_Connection):
    """A connection that asks when it is told to, and notes how long each answer took."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.free = True

    def ask(self) -> None:
        """Send a request."""
        self.free = False
        self._sent = time.perf_counter()
        super()._send()

    def _send(self) -> None:
        self._tally.seconds.append(time.perf_counter() - self._sent)
        self.free = True


async def paced(url: str, exchanges: Sequence[Exchange], a_second: float, seconds: float) -> Tally:
    """Ask at a steady rate, whether the answers before have come or not; how long each took is in `seconds`."""
    tally = Tally()
    connections: list[_Asking] = []
    loop = asyncio.get_running_loop()
    place = urlsplit(url)
    began = loop.time()
    for number in range(int(a_second * seconds)):
        await asyncio.sleep(began + number / a_second - loop.time())
        free = next((one for one in connections if one.free), None)
        if free is None:
            make = partial(_Asking, exchanges, tally, number)
            _, free = await loop.create_connection(make, place.hostname or "", place.port or 80)
            connections.append(free)
        free.ask()
    async with asyncio.timeout(30):
        while not all(one.free for one in connections):
            await asyncio.sleep(0.01)
    for one in connections:
        one.stop()
        one._transport.close()
    return tally
