"""An Engine.IO session: what one client is, whatever transport it uses at the moment."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from socketio_server import packets
from socketio_server.errors import PacketError
from socketio_server.frames import NORMAL, POLICY, PROTOCOL_ERROR
from socketio_server.handshake import Request
from socketio_server.incoming import Incoming
from socketio_server.link import Link
from socketio_server.queue import Full, Outbox, Overflow
from socketio_server.socket import Socket, nowhere

if TYPE_CHECKING:
    from socketio_server.server import Server

log = logging.getLogger("socketio_server")


class _Stall:
    """The deadline of a client that has stopped to read."""

    __slots__ = ("session", "slot")

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.slot = 0

    def expired(self) -> None:
        """It has taken nothing for too long."""
        self.session.stalled("it took nothing for too long")


class Session:
    """One client.

    Attributes:
        sid: its id, which every request of long-polling carries.
        request: the one that it began with.
        link: its transport.
        probe: a WebSocket that may take over from long-polling.
        sockets: one for each namespace; None for one that it has left.
        outbox: what waits for the transport; None while the transport takes all at once.
        held: whether the transport is told not to read, since handlers are behind.
    """

    __slots__ = (
        "_due",
        "_has_joined",
        "_incoming",
        "_pinged",
        "_since",
        "_stall",
        "ended",
        "held",
        "link",
        "outbox",
        "probe",
        "request",
        "server",
        "sid",
        "slot",
        "sockets",
        "write",
    )

    def __init__(self, server: "Server", sid: str, request: Request, link: Link) -> None:
        self.server = server
        self.sid = sid
        self.request = request
        self.link = link
        self.probe: Link | None = None
        self.sockets: dict[str, Socket | None] = {}
        self.outbox: Outbox | None = None
        self.held = False
        self.ended = False
        self.slot = 0
        self._incoming = Incoming()
        self._stall: _Stall | None = None
        self._pinged = False
        self._has_joined = False
        self._since = self._due = server.now()
        self.write: Callable[[bytes], None] = self._queue
        self.flow()

    # What the transport tells.

    def slow(self) -> None:
        """The transport takes no more for now."""
        self._stall = self._stall or _Stall(self)
        self.server.wheel.set(self._stall, self.server.queue.stall_seconds)
        self._write_by(self._queue)

    def flow(self) -> None:
        """The transport takes frames again, or is another one."""
        while (direct := self.link.direct()) is not None:
            if not self.outbox:
                self.outbox = None
                self._write_by(direct)
                break
            direct(self.outbox.take())
        if self._stall is not None:
            self.server.wheel.cancel(self._stall)
            self._stall = None
            if self.outbox is not None and self.link.direct() is None and self.link.name == "websocket":
                # It took something, and stopped again.
                self.slow()

    def receive_text(self, text: str) -> None:
        """Take an Engine.IO packet.

        Raises:
            PacketError: no client library sends this.
        """
        kind = text[:1]
        if kind == packets.MESSAGE:
            self._incoming.message(self, text)
        elif kind == packets.PONG:
            if self._pinged:
                self._pinged = False
                self._wait(self.server.ping_interval)
        elif kind == packets.CLOSE:
            self.lost("transport close", NORMAL)
        elif kind != packets.NOOP:
            raise PacketError("an unknown kind of packet")

    def receive_binary(self, data: bytes) -> None:
        """Take a binary part.

        Raises:
            PacketError: none is expected.
        """
        self._incoming.part(self, data)

    def lost(self, reason: str, code: int = NORMAL) -> None:
        """The client has gone or wants to go; what it sent before is still handled."""
        self._end(reason, code, "", finish=True)

    def failed(self, error: PacketError) -> None:
        """The client sent what no library sends."""
        log.info("socket.malformed sid=%s %s", self.sid[:6], error)
        self._end("parse error", PROTOCOL_ERROR, str(error), finish=False)

    # What the sockets ask for.

    def write_by(self, wire: bytes, key: str | None, policy: Overflow | None) -> None:
        """Send frames with a queue policy of their own."""
        if self.outbox is None:
            self.write(wire)
        else:
            self._enqueue(wire, key, policy)

    def send_small(self, wire: bytes) -> None:
        """Send a packet of the protocol itself, for which there is always room."""
        direct = self.link.direct() if not self.outbox else None
        if direct is not None:
            direct(wire)
        else:
            self.outbox = self.outbox or Outbox(self.server.queue)
            self.outbox.force(wire)
            self.link.wake()

    def hold(self) -> None:
        """Read no more from the client, until its handlers have caught up."""
        if not self.held:
            self.held = True
            self.link.hold()

    def release(self) -> None:
        """Read on, unless another of its sockets is behind."""
        if not any(socket is not None and socket.is_congested for socket in self.sockets.values()):
            self.held = False
            self.link.release()

    def joined(self) -> None:
        """A socket is connected."""
        if not self._has_joined:
            self._has_joined = True
            self.server.count_connected(self)

    def leave(self, socket: Socket, *, refused: bool = False) -> None:
        """A socket is no longer connected; without any, the session ends in a while."""
        if refused:
            self.sockets.pop(socket.namespace.name, None)
        else:
            self.sockets[socket.namespace.name] = None
            self._since = self.server.now()

    def end(self, reason: str, code: int = NORMAL, text: str = "") -> None:
        """End it from the server's side, after what has been sent."""
        for socket in self.sockets.values():
            if socket is not None:
                self.server.fanout.settle(socket)
        self._end(reason, code, text, finish=False, linger=True)

    def stalled(self, why: str) -> None:
        """End it at once: the client does not read."""
        if not self.ended:
            outbox = self.outbox
            waiting = (outbox.packets, outbox.size, outbox.dropped) if outbox else (0, 0, 0)
            log.warning("socket.stalled sid=%s %s; packets, bytes, dropped: %s", self.sid[:6], why, waiting)
            link = self.link
            self._end("transport error", POLICY, "stalled", finish=False)
            link.abort()

    def begin(self) -> None:
        """Start the heartbeat."""
        self._wait(self.server.ping_interval)

    def expired(self) -> None:
        """A deadline of the heartbeat, or of the first connection to a namespace."""
        server = self.server
        now = server.now() + server.grain
        if not any(self.sockets.values()) and now >= self._since + server.connect_timeout:
            self._end("transport close", POLICY, "no namespace", finish=False)
        elif now < self._due:
            self._wait(self._due - now)
        elif self._pinged:
            self._end("ping timeout", POLICY, "ping timeout", finish=True)
        else:
            self._pinged = True
            self.send_small(packets.PING_WIRE)
            self._wait(server.ping_timeout)

    def _wait(self, seconds: float) -> None:
        now = self.server.now()
        self._due = now + seconds
        if not any(self.sockets.values()):
            seconds = min(seconds, self._since + self.server.connect_timeout - now)
        self.server.wheel.set(self, seconds)

    def upgrade(self, link: Link) -> None:
        """Let a probed WebSocket take over."""
        old, self.link, self.probe = self.link, link, None
        self.flow()
        old.superseded()
        if self.held:
            link.hold()

    # Inside.

    def _queue(self, wire: bytes) -> None:
        self._enqueue(wire, None, None)

    def _enqueue(self, wire: bytes, key: str | None, policy: Overflow | None) -> None:
        if self.ended:
            return
        if self.outbox is None:
            self.outbox = Outbox(self.server.queue)
        try:
            self.outbox.put(wire, key, policy, beside=self.link.holds())
        except Full:
            self.stalled("its queue is full")
        else:
            self.link.wake()

    def _write_by(self, write: Callable[[bytes], None]) -> None:
        self.write = write
        for socket in self.sockets.values():
            if socket is not None and socket.connected:
                socket.write = write

    def _end(self, reason: str, code: int, text: str, *, finish: bool, linger: bool = False) -> None:
        if self.ended:
            return
        self.ended = True
        server = self.server
        server.wheel.cancel(self)
        if self._stall is not None:
            server.wheel.cancel(self._stall)
            self._stall = None
        server.forget(self, has_joined=self._has_joined)
        for socket in self.sockets.values():
            if socket is not None:
                socket.gone(reason, finish=finish)
        self.sockets = {}
        self.write = nowhere
        if self.probe is not None:
            self.probe.abort()
            self.probe = None
        self.link.close(code, text, linger=linger)


def opening(server: "Server", sid: str, upgrades: list[str]) -> bytes:
    """Engine.IO's handshake for a client."""
    facts: dict[str, Any] = {
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": round(server.ping_interval * 1000),
        "pingTimeout": round(server.ping_timeout * 1000),
        "maxPayload": server.max_payload,
    }
    return packets.open_wire(facts)
