"""Sharing a port with uvicorn: it hands over a connection whose request asks for a WebSocket.

`uvicorn.Config(app, ws=server.protocol_class())`. uvicorn makes one object a connection, tells it of the transport and
replays the request; from then on the transport is ours.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from socketio_server.frames import GOING_AWAY
from socketio_server.websocket import WebSocketLink

if TYPE_CHECKING:
    from socketio_server.server import Server


class UvicornLink(WebSocketLink):
    """A WebSocketLink that uvicorn knows among its connections."""

    __slots__ = ("_connections",)

    def __init__(self, server: "Server", server_state: Any) -> None:
        super().__init__(server)
        self._connections: set[Any] = server_state.connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """uvicorn hands a connection over."""
        self._connections.add(self)
        # The protocol that read the request and its parser keep one another alive; by this, nothing does.
        with contextlib.suppress(AttributeError):
            transport.get_protocol().parser = None  # type: ignore[attr-defined]
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The end."""
        self._connections.discard(self)
        super().connection_lost(error)

    def shutdown(self) -> None:
        """uvicorn stops."""
        if self.state == "open" and self.session is not None:
            self.session.end("server shutting down", GOING_AWAY, "server shutting down")
        elif self.state not in ("closing", "gone"):
            self.abort()
