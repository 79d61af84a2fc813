"""Clients that poll, or begin by polling and upgrade: by python-socketio. The only module that knows it.

Its own handling of events is replaced by ours, so that nothing but the transport differs from websocket.py.
"""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import socketio
import structlog
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from socketio.exceptions import ConnectionRefusedError as Refused

from rostrum.kit.errors import InternalError, RostrumError
from rostrum.kit.websocket import HANDSHAKE_SECONDS, PING_SECONDS, PONG_SECONDS

if TYPE_CHECKING:
    from rostrum.kit.realtime import Connection, Realtime

log = structlog.get_logger(__name__)


class PollingLink:
    """One client of the library's."""

    def __init__(self, server: "_Server", engine_id: str, connection_id: str) -> None:
        self._server = server
        self._engine_id = engine_id
        self._connection_id = connection_id

    @property
    def waiting(self) -> tuple[int, int]:
        """How many packets, and about how many bytes, the client has not taken yet."""
        socket = self._server.eio.sockets.get(self._engine_id)
        if socket is None:
            return 0, 0
        packets = list(socket.queue._queue)
        return len(packets), sum(len(packet.data or "") for packet in packets if packet is not None)

    def push(self, packet: str) -> None:
        """Send a Socket.IO packet."""
        socket = self._server.eio.sockets.get(self._engine_id)
        if socket is not None and not socket.closed:
            socket.queue.put_nowait(EnginePacket(MESSAGE, data=packet))

    async def close(self, *, for_good: bool) -> None:
        """End it."""
        if for_good:
            await self._server.disconnect(self._connection_id)
        else:
            await self._server.drop(self._engine_id)


class PollingServer:
    """The library's server, as an ASGI application."""

    def __init__(self, realtime: "Realtime", *, frame_bytes: int) -> None:
        self._server = _Server(realtime, frame_bytes)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one request or WebSocket."""
        await self._server.handle_request(scope, receive, send)

    async def close(self) -> None:
        """Stop the library's own task."""
        await self._server.eio.shutdown()


class _Server(socketio.AsyncServer):  # type: ignore[misc]
    def __init__(self, realtime: "Realtime", frame_bytes: int) -> None:
        def allows(origin: str | None, environ: dict[str, Any]) -> bool:
            return realtime.allows_origin(origin, environ.get("HTTP_HOST"))

        super().__init__(
            async_mode="asgi",
            async_handlers=False,
            cors_allowed_origins=allows,
            cors_credentials=False,
            http_compression=False,
            max_http_buffer_size=frame_bytes,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            json=_Json,
            logger=False,
            engineio_logger=False,
        )
        self._realtime = realtime
        self._clients: dict[str, Connection] = {}
        self.on("connect", self._connected)
        self.on("disconnect", self._disconnected)

    async def drop(self, engine_id: str) -> None:
        """End a transport without waiting for a client that may never read again."""
        socket = self.eio.sockets.get(engine_id)
        if socket is not None:
            await socket.close(wait=False)

    async def _connected(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        engine_id = self.manager.eio_sid_from_sid(sid, "/")
        if engine_id in self._clients:
            raise Refused("This socket is connected already.", {"code": "already_connected"})
        address = (environ.get("asgi.scope", {}).get("client") or ("",))[0]
        link = PollingLink(self, engine_id, sid)
        try:
            connection = await self._realtime.admit(sid, link, address, environ.get("QUERY_STRING", ""), auth)
        except RostrumError as error:
            raise Refused(error.text, {"code": error.code}) from None
        except Exception:
            log.exception("socket.handshake_failed")
            raise Refused(InternalError.sentence, {"code": InternalError.code}) from None
        socket = self.eio.sockets.get(engine_id)
        if socket is None or socket.closed:
            # It went away while it was being let in, when nobody could be told yet.
            await self._realtime.gone(connection)
            raise Refused("The socket is closed.")
        self._clients[engine_id] = connection

    async def _disconnected(self, sid: str, _reason: str) -> None:
        for engine_id, connection in list(self._clients.items()):
            if connection.id == sid:
                del self._clients[engine_id]
                await self._realtime.gone(connection)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        asyncio.get_running_loop().call_later(HANDSHAKE_SECONDS, self._expire, eio_sid)

    def _expire(self, eio_sid: str) -> None:
        # A transport without a handshake holds memory for nobody.
        if eio_sid in self.environ and eio_sid not in self._clients:
            self.start_background_task(self.drop, eio_sid)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        connection = self._clients.get(eio_sid)
        try:
            if connection is not None and isinstance(data, str) and data[:1] == "2":
                await self._realtime.receive_text(connection, data)
            else:
                await super()._handle_eio_message(eio_sid, data)
        except Exception as error:
            # No client library sends what ends here. A trace would let anybody fill the log.
            log.info("socket.malformed", error=str(error)[:200])
            await self.drop(eio_sid)

    async def _handle_event(self, eio_sid: str, _namespace: str | None, number: int | None, data: Any) -> None:
        # Events with binary parts arrive here, put together by the library.
        connection = self._clients.get(eio_sid)
        if connection is not None:
            await self._realtime.receive(connection, number, data)


class _Json:
    """What the library wants of a JSON module, by msgspec: several times faster than the standard one."""

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_options: Any) -> Any:
        return msgspec.json.decode(text)
