"""Socket.IO 5 over Engine.IO 4 over WebSocket, for clients that begin with WebSocket: the usual case.

Ours, since the library spends more on a message than its handler does: two tasks and two timers each.
"""

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from rostrum.kit.errors import InternalError, RostrumError

if TYPE_CHECKING:
    from rostrum.kit.realtime import Connection, Realtime

log = structlog.get_logger(__name__)

PING_SECONDS: Final = 25.0
PONG_SECONDS: Final = 20.0
HANDSHAKE_SECONDS: Final = 20.0
PARTS_PER_EVENT: Final = 8
# How long a client may take to read our good-bye.
CLOSE_SECONDS: Final = 5.0
_BINARY_EVENT = re.compile(r"5(\d{1,3})-(?:/[^,]{0,200},)?(\d{1,15})?")


class Malformed(Exception):
    """A packet that no client library sends; its sender is dropped."""


class _Parts:
    """An event whose binary parts are still on their way."""

    def __init__(self, header: re.Match[str], payload: Any) -> None:
        self.expected = int(header[1])
        self.number = int(header[2]) if header[2] else None
        self.payload = payload
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, data: bytes, max_bytes: int) -> None:
        """Take the next part; of an event that is too large only the number of its parts is kept."""
        self.size += len(data)
        self.parts.append(data)
        if self.size > max_bytes:
            self.parts = [b""] * len(self.parts)


class WebSocketLink:
    """One client. `run` lasts as long as its socket."""

    def __init__(
        self,
        realtime: "Realtime",
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._realtime = realtime
        self._scope = scope
        self._receive = receive
        self._send = send
        self._outbox: deque[str] = deque()
        self._outbox_size = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._connection: Connection | None = None
        self._parts: _Parts | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task = asyncio.current_task()
        self._ended = False

    @property
    def waiting(self) -> tuple[int, int]:
        """How many packets, and about how many bytes, the client has not taken yet."""
        return len(self._outbox), self._outbox_size

    def push(self, packet: str) -> None:
        """Send a Socket.IO packet."""
        self._transmit("4" + packet)

    def _transmit(self, text: str) -> None:
        if not self._closing:
            self._outbox.append(text)
            self._outbox_size += len(text)
            self._wake.set()

    async def close(self, *, for_good: bool) -> None:
        """End it, after what is in the queue."""
        if for_good:
            self.push("1")
        self._shut()

    def _shut(self) -> None:
        if not self._closing:
            self._closing = True
            self._wake.set()
            self._cancel_timer()
            self._timer = self._loop.call_later(CLOSE_SECONDS, self._abandon)

    def _abandon(self) -> None:
        """The client does not even read our good-bye: stop waiting for it."""
        if not self._ended and self._task is not None:
            self._ended = True
            self._task.cancel()

    async def run(self) -> None:
        """Serve the client until it or we close."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        headers = dict(self._scope["headers"])
        origin, host = (headers.get(name, b"").decode("latin-1") or None for name in (b"origin", b"host"))
        if not self._realtime.allows_origin(origin, host):
            await self._send({"type": "websocket.close", "code": 4403})
            return
        await self._send({"type": "websocket.accept"})
        self._open()
        writer = asyncio.ensure_future(self._write())
        try:
            await self._read()
        except asyncio.CancelledError:
            if not self._ended:
                raise
            log.info("socket.abandoned", waiting=len(self._outbox))
        finally:
            self._closing = self._ended = True
            self._cancel_timer()
            writer.cancel()
            if self._connection is not None:
                await self._realtime.gone(self._connection)

    def _open(self) -> None:
        facts = {
            "sid": secrets.token_urlsafe(15),
            "upgrades": [],
            "pingInterval": int(PING_SECONDS * 1000),
            "pingTimeout": int(PONG_SECONDS * 1000),
            "maxPayload": self._realtime.max_bytes,
        }
        self._transmit("0" + msgspec.json.encode(facts).decode())
        # A transport without a handshake holds memory for nobody.
        self._timer = self._loop.call_later(HANDSHAKE_SECONDS, self._expire)

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    await self._send({"type": "websocket.send", "text": self._outbox[0]})
                    # Taken off only now: what is being sent counts as waiting.
                    self._outbox_size -= len(self._outbox.popleft())
                if self._closing:
                    await self._send({"type": "websocket.close", "code": 1000})
                    return
        except Exception as error:
            # The client went away in the middle; the reader learns of it as well.
            log.debug("socket.write_failed", error=str(error))

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return
            data = message.get("text")
            try:
                if data is None:
                    await self._binary(message.get("bytes") or b"")
                elif await self._packet(data):
                    return
            except (Malformed, ValueError) as error:
                # A trace would let anybody fill the log.
                log.info("socket.malformed", error=str(error)[:200])
                await self.close(for_good=False)
                return

    async def _packet(self, text: str) -> bool:
        """Handle an Engine.IO packet; True when the client says good-bye."""
        kind = text[:1]
        if self._closing:
            # What comes after our good-bye is not answered; the socket's end follows.
            return False
        if kind == "4":
            return await self._message(text[1:])
        if kind == "3":
            self._cancel_timer()
            self._timer = self._loop.call_later(PING_SECONDS, self._ping)
        elif kind not in ("6", "1"):
            raise Malformed("an unknown kind of packet")
        return kind == "1"

    async def _message(self, text: str) -> bool:
        kind = text[:1]
        if kind == "0":
            await self._handshake(text[1:])
        elif kind == "1":
            return True
        elif self._connection is None:
            raise Malformed("a message came before the handshake")
        elif self._parts is not None:
            raise Malformed("text came instead of a binary part")
        elif kind == "2":
            await self._realtime.receive_text(self._connection, text)
        elif kind == "5":
            self._parts = _begin(text, self._realtime.max_bytes)
            await self._complete()
        elif kind != "3":  # Acknowledgements of our events: we ask for none.
            raise Malformed("an unknown kind of message")
        return False

    async def _handshake(self, text: str) -> None:
        if text.startswith("/"):
            namespace, _, text = text.partition(",")
            if namespace.partition("?")[0] != "/":
                self.push(f'4{namespace[:100]},{{"message":"Invalid namespace"}}')
                return
        if self._connection is not None:
            raise Malformed("a second handshake")
        connection_id = secrets.token_urlsafe(15)
        address = (self._scope.get("client") or ("",))[0]
        query = self._scope.get("query_string", b"").decode("latin-1")
        try:
            auth = msgspec.json.decode(text) if text else None
            self._connection = await self._realtime.admit(connection_id, self, address, query, auth)
        except RostrumError as error:
            self._refuse(error)
        except msgspec.DecodeError:
            raise Malformed("the handshake is not JSON") from None
        except Exception:
            log.exception("socket.handshake_failed")
            self._refuse(InternalError())
        else:
            self.push(f'0{{"sid":"{connection_id}"}}')
            self._cancel_timer()
            self._timer = self._loop.call_later(PING_SECONDS, self._ping)

    def _refuse(self, error: RostrumError) -> None:
        self.push("4" + msgspec.json.encode({"message": error.text, "data": {"code": error.code}}).decode())

    async def _binary(self, data: bytes) -> None:
        if self._parts is None:
            raise Malformed("a binary part came without its event")
        self._parts.add(data, self._realtime.max_bytes)
        await self._complete()

    async def _complete(self) -> None:
        parts = self._parts
        if parts is None or self._connection is None or len(parts.parts) < parts.expected:
            return
        self._parts = None
        if parts.size > self._realtime.max_bytes:
            self._realtime.refuse_large(self._connection, parts.number)
        else:
            await self._realtime.receive(self._connection, parts.number, _filled(parts.payload, parts.parts))

    def _ping(self) -> None:
        self._transmit("2")
        self._timer = self._loop.call_later(PONG_SECONDS, self._expire)

    def _expire(self) -> None:
        """The client does not answer, or never began."""
        self._shut()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _begin(text: str, max_bytes: int) -> _Parts:
    header = _BINARY_EVENT.match(text)
    if header is None or int(header[1]) > PARTS_PER_EVENT or len(text) > max_bytes:
        raise Malformed("the header of a binary event")
    try:
        return _Parts(header, msgspec.json.decode(text[header.end() :]))
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("a binary event is not JSON") from None


def _filled(value: Any, parts: list[bytes], depth: int = 0) -> Any:
    """Put the binary parts where their placeholders are."""
    if depth > 16:
        return None
    if isinstance(value, list):
        return [_filled(item, parts, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is True:
        number = value.get("num")
        return parts[number] if isinstance(number, int) and 0 <= number < len(parts) else None
    return {key: _filled(item, parts, depth + 1) for key, item in value.items()}
