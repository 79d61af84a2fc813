"""What a client's messages say: puts them together and gives them to the sockets that they are for."""

from typing import TYPE_CHECKING, Final

from socketio_server import packets
from socketio_server.errors import PacketError
from socketio_server.handshake import Handshake
from socketio_server.packets import Header
from socketio_server.socket import MALFORMED, TOO_LARGE, Event, Socket

if TYPE_CHECKING:
    from socketio_server.session import Session

INVALID_NAMESPACE: Final = {"message": "Invalid namespace"}


class _Parts:
    """An event or acknowledgement whose binary parts are still on their way."""

    __slots__ = ("header", "parts", "size", "text")

    def __init__(self, header: Header, text: str) -> None:
        self.header = header
        self.text = text
        self.parts: list[bytes] = []
        self.size = len(text)

    def add(self, part: bytes, limit: int) -> bool:
        """Take the next part; whether it was the last. Of what is too large only the number of parts is kept."""
        self.size += len(part)
        self.parts = [*self.parts, part] if self.size <= limit else [b""] * (len(self.parts) + 1)
        return len(self.parts) == self.header.attachments


class Incoming:
    """The messages of one session."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: _Parts | None = None

    def message(self, session: "Session", text: str) -> None:
        """Take a message packet.

        Raises:
            PacketError: no client library sends this.
        """
        if self._parts is not None:
            raise PacketError("text instead of a binary part")
        header = packets.parse_header(text)
        if header.kind == packets.CONNECT:
            self._connect(session, header, text)
        elif not header.attachments:
            self._dispatch(session, header, text, [], len(text))
        elif header.attachments > session.server.max_attachments:
            raise PacketError("too many binary parts")
        else:
            self._parts = _Parts(header, text)

    def part(self, session: "Session", data: bytes) -> None:
        """Take a binary part.

        Raises:
            PacketError: none is expected, or the packet that it completes is none.
        """
        parts = self._parts
        if parts is None:
            raise PacketError("a binary part without its packet")
        if parts.add(data, session.server.max_payload):
            self._parts = None
            self._dispatch(session, parts.header, parts.text, parts.parts, parts.size)

    def _connect(self, session: "Session", header: Header, text: str) -> None:
        auth = packets.parse_payload(text, header.start)
        if auth is not None and not isinstance(auth, dict):
            raise PacketError("the auth of a handshake is not an object")
        namespace = session.server.namespaces.get(header.namespace)
        if namespace is None:
            session.send_small(packets.encode(packets.CONNECT_ERROR, header.namespace, None, INVALID_NAMESPACE))
        elif session.sockets.get(header.namespace) is not None:
            raise PacketError("a second connection to a namespace")
        else:
            handshake = Handshake(session.request, auth)
            if namespace.recovery is not None:
                namespace.recovery.recognise(handshake)
            socket = session.sockets[header.namespace] = Socket(namespace, session, handshake)
            socket.start()

    def _dispatch(self, session: "Session", header: Header, text: str, parts: list[bytes], size: int) -> None:
        socket = session.sockets.get(header.namespace)
        if socket is None:
            if header.namespace in session.sockets:
                return  # It was sent before the client knew that it had been disconnected.
            raise PacketError("a packet for a namespace that is not connected")
        if header.kind == packets.DISCONNECT:
            session.leave(socket)
            socket.gone("client namespace disconnect", finish=True)
        elif header.kind in (packets.EVENT, packets.BINARY_EVENT):
            socket.receive(self._event(session, header, text, parts, size))
        elif header.kind in (packets.ACK, packets.BINARY_ACK):
            socket.acknowledge(header.number, packets.fill(packets.parse_payload(text, header.start), parts))
        else:
            raise PacketError("a kind of packet that only servers send")

    def _event(self, session: "Session", header: Header, text: str, parts: list[bytes], size: int) -> Event:
        # Measured before it is parsed, so that a large one costs no more than its transport.
        if size > session.server.max_payload:
            return Event("", [], header.number, TOO_LARGE, 0)
        try:
            payload = packets.parse_payload(text, header.start)
            name, args = packets.parse_event(packets.fill(payload, parts) if header.attachments else payload)
        except PacketError:
            return Event("", [], header.number, MALFORMED, 0)
        return Event(name, args, header.number, "", size)
