"""A Socket.IO 5 and Engine.IO 4 server for asyncio: frames once, writes many."""

from socketio_server.broadcast import Broadcast
from socketio_server.errors import (
    CallTimeout,
    ConnectRefused,
    Disconnected,
    FrameError,
    PacketError,
    Refused,
    SocketServerError,
)
from socketio_server.handshake import Handshake, Request
from socketio_server.namespace import Namespace
from socketio_server.queue import QueuePolicy
from socketio_server.recovery import RecoveryPolicy
from socketio_server.server import Server
from socketio_server.socket import MALFORMED, TOO_LARGE, Socket

__all__ = [
    "MALFORMED",
    "TOO_LARGE",
    "Broadcast",
    "CallTimeout",
    "ConnectRefused",
    "Disconnected",
    "FrameError",
    "Handshake",
    "Namespace",
    "PacketError",
    "QueuePolicy",
    "RecoveryPolicy",
    "Refused",
    "Request",
    "Server",
    "Socket",
    "SocketServerError",
]
