"""The server as an ASGI 3 application: long-polling over HTTP, and WebSockets that cannot be handed over."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from socketio_server import frames
from socketio_server.errors import FrameError, PacketError, Refused
from socketio_server.handshake import BAD_METHOD, UNKNOWN_SESSION, Request, check_origin, check_query
from socketio_server.packets import polling_payload
from socketio_server.polling import PollingLink
from socketio_server.session import opening
from socketio_server.websocket import WebSocketLink

if TYPE_CHECKING:
    from socketio_server.server import Server

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]


def application(server: "Server") -> Application:
    """The ASGI 3 application of a server."""

    # A plain function: uvicorn takes a bound method for an application of ASGI 2.
    async def asgi(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await handle_http(server, scope, receive, send)
        elif scope["type"] == "websocket":
            await handle_websocket(server, scope, receive, send)

    return asgi


async def handle_http(server: "Server", scope: Any, receive: Receive, send: Send) -> None:
    """Answer one request of long-polling."""
    request = Request(scope)
    headers, origin = request.headers, None
    try:
        server.check_path(request.path)
        origin = check_origin(headers, server.allow_origin)
        if request.method == "OPTIONS":
            await _answer(send, 204, b"", origin, headers.get("access-control-request-headers"))
            return
        body = await _polling(server, request, headers, receive)
    except Refused as error:
        facts = {"code": error.code, "message": error.text} if error.code is not None else {"message": error.text}
        await _answer(send, error.status, json.dumps(facts).encode(), origin, kind=b"application/json")
    else:
        await _answer(send, 200, body, origin)


async def _polling(server: "Server", request: Request, headers: dict[str, str], receive: Receive) -> bytes:
    query = request.query
    check_query(query, server.transports)
    sid = query.get("sid")
    link = server.polls.get(sid) if sid is not None else None
    if query["transport"] != "polling":
        raise Refused(400, "Bad request", 3)
    if sid is None:
        if request.method != "GET":
            raise Refused(400, "Bad handshake method", BAD_METHOD)
        return _begin(server, request)
    if link is None:
        raise Refused(400, "Session ID unknown", UNKNOWN_SESSION)
    if request.method == "GET":
        return await link.get(receive)
    if request.method == "POST":
        await link.post(receive, headers.get("content-length"))
        return b"ok"
    raise Refused(400, "Bad request", 3)


def _begin(server: "Server", request: Request) -> bytes:
    server.check_room(request.address)
    link = PollingLink(server)
    session = link.session = server.open_session(request, link)
    server.polls[session.sid] = link
    upgrades = ["websocket"] if "websocket" in server.transports else []
    return polling_payload([opening(server, session.sid, upgrades)])


async def _answer(
    send: Send, status: int, body: bytes, origin: str | None, asked: str | None = None, kind: bytes = b"text/plain"
) -> None:
    headers = [
        (b"content-type", kind + b"; charset=UTF-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if origin is not None:
        headers += [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"origin")]
        if status == 204:
            headers += [
                (b"access-control-allow-methods", b"GET, POST"),
                (b"access-control-allow-headers", (asked or "content-type").encode("latin-1")),
                (b"access-control-max-age", b"600"),
            ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class AsgiTransport:
    """Looks like an asyncio transport to a WebSocketLink, and is an ASGI server's `send`."""

    def __init__(self, link: WebSocketLink, send: Send) -> None:
        self._link = link
        self._send = send
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._high = link.server.queue.water
        self._news = asyncio.Event()
        self._closed = False
        self._readable = asyncio.Event()
        self._readable.set()
        self.main: asyncio.Task[Any] | None = asyncio.current_task()

    def write(self, wire: bytes) -> None:
        """Queue frames."""
        if not self._closed:
            self._waiting += frames.unpack(wire)
            self._size += len(wire)
            self._news.set()
            if self._size > self._high:
                self._link.pause_writing()

    def close(self) -> None:
        """End after what waits."""
        self._closed = True
        self._news.set()

    def abort(self) -> None:
        """End at once."""
        self.close()
        if self.main is not None:
            self.main.cancel()

    def is_closing(self) -> bool:
        """Whether it ends."""
        return self._closed

    def pause_reading(self) -> None:
        """Receive no more."""
        self._readable.clear()

    def resume_reading(self) -> None:
        """Receive again."""
        self._readable.set()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait, of which some may be on their way."""
        return self._size

    def set_write_buffer_limits(self, high: int) -> None:
        """The limit is fixed."""

    async def readable(self) -> None:
        """Wait until more may be received."""
        await self._readable.wait()

    async def run(self) -> None:
        """Send what is written, until the end."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                opcode, payload = self._waiting.popleft()
                if opcode == frames.CLOSE:
                    code, reason = frames.parse_close(payload)
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
                    return
                if opcode == frames.TEXT:
                    await self._send({"type": "websocket.send", "text": payload.decode()})
                elif opcode == frames.BINARY:
                    await self._send({"type": "websocket.send", "bytes": payload})
            if self._size > self._high:
                self._size = 0
                self._link.resume_writing()
            self._size = 0
            if self._closed:
                await self._send({"type": "websocket.close", "code": 1000})
                return


async def handle_websocket(server: "Server", scope: Any, receive: Receive, send: Send) -> None:
    """Serve one WebSocket by messages, which costs more than `Server.protocol_class`."""
    if (await receive())["type"] != "websocket.connect":
        return
    request = Request(scope)
    link = WebSocketLink(server)
    transport = AsgiTransport(link, send)
    try:
        server.check_path(request.path)
        check_origin(request.headers, server.allow_origin)
        query = request.query
        check_query(query, server.transports)
        link.connection_made(transport)  # type: ignore[arg-type]
        await send({"type": "websocket.accept"})
        link.start(request, query.get("sid"), b"")
    except Refused:
        server.wheel.cancel(link)
        await send({"type": "websocket.close", "code": 1008})
        return
    writer = asyncio.ensure_future(transport.run())
    writer.add_done_callback(lambda _done: transport.main and transport.main.cancel())
    error: Exception | None = None
    try:
        await _read(link, transport, receive)
    except asyncio.CancelledError:
        if not transport.is_closing() and not writer.done():
            raise
    except (FrameError, PacketError) as malformed:
        error = malformed
        if link.session is not None:
            link.session.failed(PacketError(str(malformed)))
        await asyncio.wait({writer}, timeout=1)
    finally:
        transport.main = None
        writer.cancel()
        link.connection_lost(error)


async def _read(link: WebSocketLink, transport: AsgiTransport, receive: Receive) -> None:
    while True:
        await transport.readable()
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        text = message.get("text")
        payload = text.encode() if text is not None else message.get("bytes") or b""
        if len(payload) > link.server.max_frame:
            raise FrameError(frames.TOO_LARGE, "a message above the limit")
        link.take(frames.BINARY if text is None else frames.TEXT, payload)
