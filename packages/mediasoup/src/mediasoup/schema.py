"""The worker's protocol, read from the binary schema that flatc makes of mediasoup's own `.fbs` files at build time.

A `.bfbs` file is itself a flatbuffer, described by flatbuffers' `reflection.fbs`. Only the handful of its fields that
are needed here is read. Enumerators get the spelling that mediasoup's documentation uses ("connected", "sha-256").
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SCHEMA_FILE = Path(__file__).parent / "_fbs" / "message.bfbs"

# flatbuffers' reflection.BaseType.
UTYPE, BOOL, STRING, VECTOR, OBJECT, UNION = 1, 2, 13, 14, 15, 16
#: BaseType of a scalar -> its letter in the `struct` module.
SCALARS = {1: "B", 2: "?", 3: "b", 4: "B", 5: "h", 6: "H", 7: "i", 8: "I", 9: "q", 10: "Q", 11: "f", 12: "d"}

_VERBATIM = {"FBS.Request.Method", "FBS.Notification.Event", "FBS.SrtpParameters.SrtpCryptoSuite"}
_SPELLINGS = {
    "FBS.RtpParameters.RtpHeaderExtensionUri": {
        "Mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
        "RtpStreamId": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "RepairRtpStreamId": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        "AbsSendTime": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "TransportWideCcDraft01": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "SsrcAudioLevel": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "DependencyDescriptor": (
            "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
        ),
        "VideoOrientation": "urn:3gpp:video-orientation",
        "TimeOffset": "urn:ietf:params:rtp-hdrext:toffset",
        "AbsCaptureTime": "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
        "PlayoutDelay": "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        "MediasoupPacketId": "urn:mediasoup:params:rtp-hdrext:packet-id",
    },
    "FBS.WebRtcTransport.FingerprintAlgorithm": {f"SHA{n}": f"sha-{n}" for n in (1, 224, 256, 384, 512)},
    "FBS.Common.TraceDirection": {"DIRECTION_IN": "in", "DIRECTION_OUT": "out"},
}


@dataclass(frozen=True, slots=True)
class EnumInfo:
    """An enumeration or a union. `tables` is, for a union, the name of the table of each value."""

    name: str
    numbers: dict[str, int]
    names: dict[int, str]
    tables: dict[int, str]


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a table. `base` and `element` are BaseTypes; `table` and `enum` say what they refer to."""

    name: str
    slot: int
    base: int
    element: int
    table: str | None
    enum: EnumInfo | None
    required: bool
    optional: bool
    default: int | float


@dataclass(frozen=True, slots=True)
class TableInfo:
    """One table, its fields in the order of their slots."""

    name: str
    fields: tuple[FieldInfo, ...]


class _Node:
    """A table of the binary schema: field accessors by slot, as reflection.fbs numbers them."""

    __slots__ = ("buf", "pos", "vtable")

    def __init__(self, buf: bytes, pos: int) -> None:
        self.buf, self.pos = buf, pos
        self.vtable = pos - struct.unpack_from("<i", buf, pos)[0]

    def where(self, slot: int) -> int:
        entry = 4 + 2 * slot
        if entry >= struct.unpack_from("<H", self.buf, self.vtable)[0]:
            return 0
        offset: int = struct.unpack_from("<H", self.buf, self.vtable + entry)[0]
        return self.pos + offset if offset else 0

    def scalar(self, slot: int, letter: str, default: int = 0) -> int:
        at = self.where(slot)
        return struct.unpack_from("<" + letter, self.buf, at)[0] if at else default

    def _target(self, at: int) -> int:
        offset: int = struct.unpack_from("<I", self.buf, at)[0]
        return at + offset

    def text(self, slot: int) -> str:
        at = self._target(self.where(slot))
        size = struct.unpack_from("<I", self.buf, at)[0]
        return self.buf[at + 4 : at + 4 + size].decode()

    def node(self, slot: int) -> _Node | None:
        at = self.where(slot)
        return _Node(self.buf, self._target(at)) if at else None

    def nodes(self, slot: int) -> list[_Node]:
        at = self.where(slot)
        if not at:
            return []
        at = self._target(at)
        count = struct.unpack_from("<I", self.buf, at)[0]
        return [_Node(self.buf, self._target(at + 4 + 4 * i)) for i in range(count)]


def _read_enum(node: _Node, table_names: list[str]) -> EnumInfo:
    name = node.text(0)
    spelling = _SPELLINGS.get(name, {})
    verbatim = name in _VERBATIM or bool(node.scalar(2, "?"))
    numbers: dict[str, int] = {}
    tables: dict[int, str] = {}
    for value in node.nodes(1):
        raw, number = value.text(0), value.scalar(1, "q")
        numbers[spelling.get(raw) or (raw if verbatim else raw.lower().replace("_", "-"))] = number
        union_type = value.node(3)
        if union_type and union_type.scalar(0, "b") == OBJECT:
            tables[number] = table_names[union_type.scalar(2, "i", -1)]
    return EnumInfo(name, numbers, {number: text for text, number in numbers.items()}, tables)


def _read_field(node: _Node, table_names: list[str], enums: list[EnumInfo]) -> FieldInfo:
    kind = node.node(1)
    assert kind is not None
    base, element, index = kind.scalar(0, "b"), kind.scalar(1, "b"), kind.scalar(2, "i", -1)
    of_table = OBJECT in (base, element)
    real = node.where(5) if base in (11, 12) else 0
    return FieldInfo(
        name=node.text(0),
        slot=node.scalar(2, "H"),
        base=base,
        element=element,
        table=table_names[index] if of_table else None,
        enum=enums[index] if index >= 0 and not of_table else None,
        required=bool(node.scalar(7, "?")),
        optional=bool(node.scalar(11, "?")),
        default=struct.unpack_from("<d", node.buf, real)[0] if real else node.scalar(4, "q"),
    )


def parse_schema(data: bytes) -> dict[str, TableInfo]:
    """Reads a binary schema. The result maps full names, like "FBS.Transport.Dump", to tables."""
    root = _Node(data, struct.unpack_from("<I", data)[0])
    objects = root.nodes(0)
    names = [node.text(0) for node in objects]
    enums = [_read_enum(node, names) for node in root.nodes(1)]
    tables = {}
    for name, node in zip(names, objects, strict=True):
        fields = sorted((_read_field(field, names, enums) for field in node.nodes(1)), key=lambda field: field.slot)
        tables[name] = TableInfo(name, tuple(fields))
    return tables


@cache
def load_schema() -> dict[str, TableInfo]:
    """The worker's schema, read once a process.

    Raises `FileNotFoundError` when the engine's build has not made it yet.
    """
    if not SCHEMA_FILE.exists():
        raise FileNotFoundError(f"{SCHEMA_FILE.name} is missing: packages/mediasoup/engine/build.sh makes it")
    return parse_schema(SCHEMA_FILE.read_bytes())
