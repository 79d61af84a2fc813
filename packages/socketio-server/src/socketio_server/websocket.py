"""The WebSocket transport, directly on an asyncio transport: no task, no queue and no timer of its own."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from socketio_server import frames
from socketio_server.errors import FrameError, PacketError, Refused
from socketio_server.frames import FrameReader
from socketio_server.handshake import BAD_REQUEST, Request, accepted, check_origin, check_query, refusal, scope_of
from socketio_server.packets import PROBED_WIRE

if TYPE_CHECKING:
    from socketio_server.server import Server
    from socketio_server.session import Session

log = logging.getLogger("socketio_server")

PER_TURN: Final = 256
"""Messages of one client that are read before the event loop gets its turn."""
CLOSE_SECONDS: Final = 5.0
"""How long a client may take to read a good-bye."""
FAILED_SECONDS: Final = 2.0
"""How long what a client goes on to send after it failed is read and left."""
SHORT: Final = 256
"""Bytes of a client that are probably its answer to our good-bye."""
LONGEST_HEAD: Final = 64 * 1024

State = Literal["head", "probe", "open", "closing", "failed", "gone"]


class WebSocketLink(asyncio.Protocol):
    """One connection, from the request that upgrades it to its end.

    Attributes:
        state: `head` waits for the request; `probe` belongs to a session that still polls; `closing` has said
            good-bye, `failed` reads no more.
    """

    name = "websocket"
    __slots__ = ("_held", "_paused", "_reader", "_resting", "_seen", "server", "session", "slot", "state", "transport")

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.session: Session | None = None
        self.transport: Any = None
        self.slot = 0
        self.state: State = "head"
        self._reader: FrameReader | None = None
        self._seen: bytes | None = None
        self._held = False
        self._paused = False
        self._resting = False

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection."""
        self.transport = transport
        self.server.wheel.set(self, self.server.upgrade_timeout)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._reader is not None and self.state != "failed":
            self._reader.feed(data)
            self._read()
        elif self.state == "head":
            self._take_head(data)
        elif self.state == "failed" and len(data) <= SHORT and self.transport is not None:
            # All else is read and left: a connection closed with unread bytes takes our good-bye along.
            self.transport.close()

    def eof_received(self) -> None:
        """The client sends no more; the event loop closes the connection."""

    def pause_writing(self) -> None:
        """The client does not read as fast as it is sent to."""
        self._paused = True
        if self.session is not None and self.state == "open":
            self.session.slow()

    def resume_writing(self) -> None:
        """The client has read."""
        self._paused = False
        if self.session is not None and self.state == "open":
            self.session.flow()
        elif self.session is not None and self.state == "closing":
            self._flush(self.session)

    def connection_lost(self, error: Exception | None) -> None:
        """The end."""
        session, state = self.session, self.state
        self.state = "gone"
        self.server.wheel.cancel(self)
        self.server.links.discard(self)
        self.session = self._reader = self.transport = None
        if session is None:
            return
        if session.probe is self:
            session.probe = None
        elif state == "open":
            session.lost("transport error" if error is not None else "transport close")

    # What the session asks for.

    def direct(self) -> Callable[[bytes], None] | None:
        """The way to the client, while it is not behind."""
        if self._paused or self.state != "open":
            return None
        write: Callable[[bytes], None] = self.transport.write
        return write

    def holds(self) -> int:
        """Bytes that the event loop's transport keeps for the client."""
        unsent: int = self.transport.get_write_buffer_size() if self.transport is not None else 0
        # It tells what is unsent; of a write that was cut, it keeps the part that is sent as well.
        return unsent + self.server.queue.water if unsent else 0

    def wake(self) -> None:
        """What waits is written once the client has read."""

    def hold(self) -> None:
        """Read no more for now."""
        self._held = True

    def release(self) -> None:
        """Read on."""
        self._held = False
        self._read()

    def close(self, code: int, reason: str, *, linger: bool = False) -> None:
        """Say good-bye, after what waits; a client that is not there hears nothing of it in any case."""
        if self.state not in ("open", "probe"):
            return
        self.state = "closing"
        self.server.wheel.set(self, CLOSE_SECONDS)
        if self._held:
            self.release()  # Else the client's good-bye were not read.
        if self.session is not None and self.session.outbox and self.session.link is self:
            self.session.outbox.force(frames.close_frame(code, reason))
            if not self._paused:
                self._flush(self.session)
        else:
            self.transport.write(frames.close_frame(code, reason))

    def abort(self) -> None:
        """End at once."""
        if self.state != "gone":
            self.state = "failed"
            self.transport.abort()

    def superseded(self) -> None:
        """There is nothing above this transport."""

    def expired(self) -> None:
        """The client did not begin, did not finish to upgrade, or does not read our good-bye."""
        self.abort()

    # Inside.

    def _flush(self, session: "Session") -> None:
        while session.outbox and not self._paused and self.transport is not None:
            self.transport.write(session.outbox.take())

    def _take_head(self, data: bytes) -> None:
        self._seen = (self._seen or b"") + data
        head, found, rest = self._seen.partition(b"\r\n\r\n")
        if not found and len(head) < LONGEST_HEAD:
            return
        self._seen = None
        try:
            secure = self.transport.get_extra_info("sslcontext") is not None
            peer = self.transport.get_extra_info("peername") or ("", 0)
            self._open(Request(self.server.gate(scope_of(head, peer[:2], secure))))
        except Refused as error:
            self._refuse(error)
        except (ValueError, IndexError):
            self._refuse(Refused(400, "Bad request", BAD_REQUEST))
        else:
            if rest:
                self.data_received(rest)

    def _open(self, request: Request) -> None:
        server = self.server
        server.check_path(request.path)
        headers, query = request.headers, request.query
        answer = accepted(request, headers)
        check_origin(headers, server.allow_origin)
        check_query(query, server.transports)
        if query["transport"] != "websocket":
            raise Refused(400, "Bad request", BAD_REQUEST)
        self.start(request, query.get("sid"), answer)

    def start(self, request: Request, sid: str | None, head: bytes) -> None:
        """Begin a session, or offer this connection to the session `sid`, which polls.

        Raises:
            Refused: there is no such session, or too many.
        """
        if sid is not None:
            self.session = self.server.session_to_upgrade(sid)
            self.session.probe = self
            self.state = "probe"
        else:
            self.server.check_room(request.address)
            self.state = "open"
            self.server.wheel.cancel(self)
        self._reader = FrameReader(self.server.max_frame)
        self.server.links.add(self)
        self.transport.set_write_buffer_limits(high=self.server.queue.water)
        if head:
            self.transport.write(head)
        if sid is None:
            self.session = self.server.open_session(request, self)

    def _refuse(self, error: Refused) -> None:
        self.state = "failed"
        self.transport.write(refusal(error))
        self.transport.close()

    def _read(self) -> None:
        left = PER_TURN
        try:
            while self._reader is not None and self.state != "failed" and not self._held and left:
                found = self._reader.next()
                if found is None:
                    self._rest(False)
                    return
                left -= 1
                self.take(*found)
        except FrameError as error:
            self._fail(error.code, error)
            return
        except PacketError as error:
            self._fail(frames.PROTOCOL_ERROR, error)
            return
        if self.transport is not None and self.state != "failed":
            self._rest(True)
            if not self._held:
                asyncio.get_running_loop().call_soon(self._read)

    def _rest(self, resting: bool) -> None:
        if resting == self._resting or self.transport.is_closing():
            return
        self._resting = resting
        if resting:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def take(self, opcode: int, payload: bytes) -> None:
        """Take a message or a control frame.

        Raises:
            FrameError, PacketError: the client is to be dropped.
        """
        if opcode == frames.CLOSE:
            self._take_close(payload)
        elif self.state == "probe":
            self._take_probe(payload)
        elif self.state == "closing" or self.session is None:
            return
        elif opcode == frames.TEXT:
            self.session.receive_text(frames.decode_text(payload))
        elif opcode == frames.BINARY:
            self.session.receive_binary(payload)
        elif opcode == frames.PING and not self._paused:
            self.transport.write(frames.frame(frames.PONG, payload))

    def _take_probe(self, payload: bytes) -> None:
        session = self.session
        if payload == b"2probe":
            self.transport.write(PROBED_WIRE)
            if session is not None:
                session.link.wake()
        elif payload == b"5" and session is not None:
            self.state = "open"
            self.server.wheel.cancel(self)
            session.upgrade(self)
        else:
            raise PacketError("a probe was expected")

    def _take_close(self, payload: bytes) -> None:
        code, _reason = frames.parse_close(payload)
        if self.state == "open" and self.session is not None:
            self.session.lost("transport close", code if code != 1005 else frames.NORMAL)
        elif self.state == "probe":
            self.transport.write(frames.close_frame(frames.NORMAL))
        self.state = "failed"
        self.server.wheel.set(self, CLOSE_SECONDS)
        self.transport.close()

    def _fail(self, code: int, error: Exception) -> None:
        if self.state == "open" and self.session is not None:
            session = self.session
            self.close(code, str(error))
            session.failed(PacketError(str(error)))
        elif self.state == "probe":
            self.close(code, str(error))
        self.state = "failed"
        self._reader = None
        if self.transport is not None:
            self.server.wheel.set(self, FAILED_SECONDS)
