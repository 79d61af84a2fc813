"""Packets of Engine.IO 4 and Socket.IO 5. Pure: text in, facts out, and back.

What goes to a client is encoded as complete WebSocket frames, a "wire", whatever its transport: a broadcast is framed
once and written many times, and long-polling, the rare case, takes the frames apart again.

Sources: https://socket.io/docs/v4/engine-io-protocol/ and https://socket.io/docs/v4/socket-io-protocol/
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from socketio_server.errors import PacketError
from socketio_server.frames import BINARY, TEXT, frame, unpack

# Engine.IO's kinds of packets.
OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
SEPARATOR: Final = "\x1e"

# Socket.IO's kinds of packets.
CONNECT: Final = 0
DISCONNECT: Final = 1
EVENT: Final = 2
ACK: Final = 3
CONNECT_ERROR: Final = 4
BINARY_EVENT: Final = 5
BINARY_ACK: Final = 6

RESERVED_EVENTS: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
DEEPEST: Final = 64
"""How deep a payload with binary parts may be nested."""

_HEADER = re.compile(r"4(?:([0-4])|([56])(\d{1,4})-)(?:(/[^,]{0,200})(?:,|\Z))?(\d{1,15})?", re.ASCII)
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})

PING_WIRE: Final = frame(TEXT, PING.encode())
NOOP_WIRE: Final = frame(TEXT, NOOP.encode())
PROBED_WIRE: Final = frame(TEXT, b"3probe")
CLOSE_WIRE: Final = frame(TEXT, CLOSE.encode())


class Header(NamedTuple):
    """The beginning of a Socket.IO packet.

    Attributes:
        kind: CONNECT … BINARY_ACK.
        attachments: how many binary parts follow.
        namespace: its name; a query behind it is left out.
        number: the acknowledgement's number, None where none is asked for.
        start: where the payload begins.
    """

    kind: int
    attachments: int
    namespace: str
    number: int | None
    start: int


def parse_header(text: str) -> Header:
    """Read the header of a message packet, the leading 4 included.

    Raises:
        PacketError: no client library sends this.
    """
    found = _HEADER.match(text)
    if found is None:
        raise PacketError("the header of a packet")
    plain, binary, attachments, namespace, number = found.groups()
    return Header(
        int(plain or binary),
        int(attachments or 0),
        namespace.partition("?")[0] if namespace else "/",
        int(number) if number else None,
        found.end(),
    )


def parse_payload(text: str, start: int) -> Any:
    """The JSON behind a header; None where there is none.

    Raises:
        PacketError: it is not JSON.
    """
    if start == len(text):
        return None
    try:
        return msgspec.json.decode(text[start:])
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise PacketError("the payload is not JSON") from None


def parse_event(payload: Any) -> tuple[str, list[Any]]:
    """The name and the arguments of an event.

    Raises:
        PacketError: the payload is not a list that begins with a name that clients may use.
    """
    if not isinstance(payload, list) or not payload:
        raise PacketError("the payload of an event is not a list")
    name = payload[0]
    if not isinstance(name, str) or name in RESERVED_EVENTS:
        raise PacketError("the name of an event")
    return name, payload[1:]


def fill(payload: Any, parts: Sequence[bytes]) -> Any:
    """Put binary parts where their placeholders are.

    Raises:
        PacketError: a placeholder without its part, or nesting without end.
    """
    return _filled(payload, parts, 0)


def _filled(value: Any, parts: Sequence[bytes], depth: int) -> Any:
    if depth > DEEPEST:
        raise PacketError("a payload nested too deeply")
    if isinstance(value, list):
        return [_filled(item, parts, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is True:
        number = value.get("num")
        if type(number) is not int or not 0 <= number < len(parts):
            raise PacketError("a placeholder without its part")
        return parts[number]
    return {key: _filled(item, parts, depth + 1) for key, item in value.items()}


def encode(kind: int, namespace: str, number: int | None, data: Any, *, search: bool = True) -> bytes:
    """A Socket.IO packet as WebSocket frames, one for the packet and one for each of its binary parts.

    Args:
        kind: CONNECT … CONNECT_ERROR; events and acknowledgements become binary ones by themselves.
        data: the payload; None for none.
        search: whether to look for bytes in it.
    """
    parts: list[bytes] = []
    if search and kind in (EVENT, ACK) and has_binary(data):
        data = _without_binary(data, parts)
    head = f"4{kind + 3}{len(parts)}-" if parts else f"4{kind}"
    if namespace != "/":
        head += namespace + ","
    if number is not None:
        head += str(number)
    text = head.encode() if data is None else head.encode() + msgspec.json.encode(data)
    wire = frame(TEXT, text)
    return wire if not parts else b"".join((wire, *(frame(BINARY, part) for part in parts)))


def encode_event(namespace: str, event: str, args: Iterable[Any], *, search: bool = True) -> bytes:
    """An event without acknowledgement as WebSocket frames."""
    return encode(EVENT, namespace, None, [event, *args], search=search)


def has_binary(value: Any) -> bool:
    """Whether there are bytes anywhere in it."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return isinstance(value, bytes | bytearray | memoryview)
    return any(type(item) not in _SCALARS and has_binary(item) for item in value)


def _without_binary(value: Any, parts: list[bytes]) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        parts.append(bytes(value))
        return {"_placeholder": True, "num": len(parts) - 1}
    if isinstance(value, dict):
        return {key: _without_binary(item, parts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_binary(item, parts) for item in value]
    return value


def open_wire(facts: dict[str, Any]) -> bytes:
    """Engine.IO's first packet."""
    return frame(TEXT, OPEN.encode() + msgspec.json.encode(facts))


def polling_payload(wires: Iterable[bytes]) -> bytes:
    """What a long-polling request is answered with."""
    packets = []
    for wire in wires:
        for opcode, payload in unpack(wire):
            packets.append(b"b" + base64.b64encode(payload) if opcode == BINARY else payload)
    return SEPARATOR.encode().join(packets)


def split_payload(body: str) -> list[str | bytes]:
    """The packets of a long-polling POST: text, or bytes for a binary part.

    Raises:
        PacketError: a part that is not base64.
    """
    return [_unwrapped(packet) for packet in body.split(SEPARATOR)]


def _unwrapped(packet: str) -> str | bytes:
    if not packet.startswith("b"):
        return packet
    try:
        return base64.b64decode(packet[1:], validate=True)
    except (binascii.Error, ValueError):
        raise PacketError("a binary packet that is not base64") from None
