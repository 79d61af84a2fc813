"""Flatbuffers, driven by the schema: plain dictionaries to bytes and back.

Writing lays every table out as a block that contains its children and only relative offsets, so a block can be written
once and put into any number of messages (`Encoded`). The worker verifies nothing, so this does: an unknown field, a
missing required one or a number that does not fit is an error here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from .errors import InvalidParameters
from .schema import OBJECT, SCALARS, STRING, UNION, UTYPE, VECTOR, FieldInfo, TableInfo, load_schema

_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_U16 = struct.Struct("<H")

#: What a lean codec leaves out.
UNREAD = {
    "FBS.Transport.Dump": frozenset(
        {
            "consumer_ids",
            "data_consumer_ids",
            "data_producer_ids",
            "map_rtx_ssrc_consumer_id",
            "map_ssrc_consumer_id",
            "producer_ids",
            "recv_rtp_header_extensions",
            "rtp_listener",
            "sctp_listener",
            "trace_event_types",
        }
    )
}


class Encoded(NamedTuple):
    """A finished block: its bytes, a multiple of 8 long, and where in them the table or vector begins."""

    data: bytes
    root: int


class _Layout(NamedTuple):
    """How a table looks when a given set of fields is present."""

    prefix: bytes  # The vtable, and the table's offset to it.
    values: struct.Struct  # What follows it, padding included.
    size: int
    root: int
    fields: tuple[tuple[str, Callable[[Any], Any] | None, Callable[[Any], Encoded] | None, int], ...]
    union: tuple[str, dict[str, int]] | None


class _Plan(NamedTuple):
    """How to read a table of a given shape, which is to say, with a given vtable."""

    defaults: dict[str, Any]
    names: tuple[str, ...]  # Of the scalars, in the order in which they lie in the table.
    scalars: struct.Struct
    enums: tuple[tuple[str, dict[int, str]], ...]
    references: tuple[tuple[str, Callable[[bytes, int], Any], int], ...]
    unions: tuple[tuple[str, dict[str, str], int], ...]


def _padding(size: int) -> int:
    return -size % 8


def encode_string(value: str) -> Encoded:
    """A string as the wire has it."""
    raw = value.encode()
    size = len(raw)
    return Encoded(_U32.pack(size) + raw + bytes(8 - (size + 4) % 8), 0)


def _encode_offsets(blocks: Sequence[Encoded]) -> Encoded:
    count = len(blocks)
    head = 4 + 4 * count
    cursor = head + _padding(head)
    offsets = []
    at = 4
    for block in blocks:
        offsets.append(cursor + block.root - at)
        cursor += len(block.data)
        at += 4
    start = struct.pack(f"<I{count}I", count, *offsets) + bytes(_padding(head))
    return Encoded(start + b"".join([block.data for block in blocks]), 0)


def _scalar_vector_encoder(letter: str, numbers: Mapping[str, int] | None) -> Callable[[Any], Encoded]:
    def encode(value: Any) -> Encoded:
        if isinstance(value, bytes):
            data = _U32.pack(len(value)) + value
        else:
            plain = [numbers[item] for item in value] if numbers is not None else value
            data = struct.pack(f"<I{len(plain)}{letter}", len(plain), *plain)
        return Encoded(data + bytes(_padding(len(data))), 0)

    return encode


class TableCodec:
    """Writes and reads one table of the schema."""

    def __init__(self, info: TableInfo, lean: bool = False) -> None:
        self.info = info
        self._lean = lean
        self._unread = UNREAD.get(info.name, frozenset()) if lean else frozenset()
        self._fields = {field.name: field for field in info.fields}
        self._required = frozenset(field.name for field in info.fields if field.required)
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._plans: dict[bytes, _Plan] = {}

    # Writing.

    def encode(self, value: Mapping[str, Any] | Encoded) -> Encoded:
        """A dictionary of fields as a block. A None means: not present. A union is a pair (name of its type, dict).

        Raises `InvalidParameters` for an unknown or a missing required field and for a value that does not fit.
        """
        if isinstance(value, Encoded):
            return value
        given = {name: item for name, item in value.items() if item is not None}
        layout = self._layouts.get(tuple(given)) or self._lay_out(tuple(given))
        try:
            if layout.union:
                self._encode_union(layout.union, given)
            return self._fill(layout, given)
        except (struct.error, KeyError, TypeError, AttributeError, UnicodeEncodeError) as error:
            raise InvalidParameters(f"{self.info.name}: {error}") from error

    def _fill(self, layout: _Layout, given: dict[str, Any]) -> Encoded:
        values = []
        parts = [layout.prefix, b""]
        cursor = layout.size
        for name, convert, encode, at in layout.fields:
            item = given[name]
            if encode is None:
                values.append(item if convert is None else convert(item))
                continue
            block = item if type(item) is Encoded else encode(item)
            values.append(cursor + block.root - at)
            parts.append(block.data)
            cursor += len(block.data)
        parts[1] = layout.values.pack(*values)
        return Encoded(b"".join(parts), layout.root)

    def _encode_union(self, union: tuple[str, dict[str, int]], given: dict[str, Any]) -> None:
        name, numbers = union
        kind, value = given[name]
        number = given[name + "_type"] = numbers[kind]
        tables = self._fields[name].enum
        assert tables is not None
        given[name] = codec(tables.tables[number]).encode(value)

    def encode_vector(self, values: Sequence[Mapping[str, Any] | Encoded]) -> Encoded:
        """A vector of this table, to be put into other messages as it is."""
        return _encode_offsets([self.encode(value) for value in values])

    def _lay_out(self, names: tuple[str, ...]) -> _Layout:
        unknown = [name for name in names if name not in self._fields]
        missing = self._required.difference(names)
        if unknown or missing:
            raise InvalidParameters(f"{self.info.name}: unknown {unknown}, missing {sorted(missing)}")
        union = None
        wanted = [self._fields[name] for name in names]
        for field in tuple(wanted):
            if field.base == UNION:
                assert field.enum is not None and union is None
                union = (field.name, field.enum.numbers)
                wanted.append(self._fields[field.name + "_type"])
        layout = self._layouts[names] = self._place(wanted, union)
        return layout

    def _place(self, wanted: list[FieldInfo], union: tuple[str, dict[str, int]] | None) -> _Layout:
        slots = max((field.slot for field in wanted), default=-1) + 1
        vtable_size = 4 + 2 * slots
        # The table begins at a multiple of 8 behind its vtable, the widest fields come first.
        root = vtable_size + _padding(vtable_size)
        offset, letters, placed, vtable = 4, "<", [], [0] * slots
        for field in sorted(wanted, key=lambda field: -struct.calcsize(SCALARS.get(field.base, "I"))):
            letter = SCALARS.get(field.base, "I")
            size = struct.calcsize("<" + letter)
            pad = -offset % size
            letters += f"{pad}x{letter}" if pad else letter
            vtable[field.slot] = offset + pad
            placed.append((field.name, *self._writer(field), root + offset + pad))
            offset += pad + size
        letters += f"{_padding(root + offset)}x"
        prefix = (
            struct.pack(f"<HH{slots}H", vtable_size, offset, *vtable) + bytes(_padding(vtable_size)) + _I32.pack(root)
        )
        values = struct.Struct(letters)
        return _Layout(prefix, values, len(prefix) + values.size, root, tuple(placed), union)

    def _writer(self, field: FieldInfo) -> tuple[Callable[[Any], Any] | None, Callable[[Any], Encoded] | None]:
        """How to convert a field that stands in the table itself, and how to encode one that the table points to."""
        if field.base in (STRING, OBJECT, UNION, VECTOR):
            return None, _block_encoder(field)
        convert = field.enum.numbers.__getitem__ if field.enum and field.base != UTYPE else None
        return convert, None

    # Reading.

    def decode(self, buf: bytes, pos: int, shallow: bool = False) -> dict[str, Any]:
        """The table at `pos` as a dictionary with every field of the schema; one that is not there is None.

        With `shallow` a union is not read: its value is the position of its table.
        """
        vtable = pos - _I32.unpack_from(buf, pos)[0]
        shape = buf[vtable : vtable + _U16.unpack_from(buf, vtable)[0]]
        plan = self._plans.get(shape) or self._plan(shape)
        result = plan.defaults.copy()
        result.update(zip(plan.names, plan.scalars.unpack_from(buf, pos), strict=True))
        for name, names in plan.enums:
            result[name] = names.get(result[name])
        for name, read, offset in plan.references:
            result[name] = read(buf, pos + offset)
        for name, table, offset in plan.unions:
            at = pos + offset
            at += _U32.unpack_from(buf, at)[0]
            result[name] = at if shallow else codec(table[result[name + "_type"]]).decode(buf, at)
        return result

    def _plan(self, shape: bytes) -> _Plan:
        count = len(shape) // 2 - 2
        offsets = struct.unpack_from(f"<{count}H", shape, 4)
        read = [field for field in self.info.fields if field.name not in self._unread]
        present = [(offsets[field.slot], field) for field in read if field.slot < count and offsets[field.slot]]
        scalars = sorted((pair for pair in present if pair[1].base in SCALARS), key=lambda pair: pair[0])
        letters, at = "<", 0
        for offset, field in scalars:
            letters += f"{offset - at}x{SCALARS[field.base]}"
            at = offset + struct.calcsize("<" + SCALARS[field.base])
        plan = self._plans[shape] = _Plan(
            {field.name: _default(field) for field in self.info.fields},
            tuple(field.name for _, field in scalars),
            struct.Struct(letters),
            tuple((field.name, field.enum.names) for _, field in scalars if field.enum),
            tuple(
                (field.name, _reader(field, self._lean), offset)
                for offset, field in present
                if field.base in (STRING, OBJECT, VECTOR)
            ),
            tuple(
                (field.name, {field.enum.names[number]: name for number, name in field.enum.tables.items()}, offset)
                for offset, field in present
                if field.base == UNION and field.enum
            ),
        )
        return plan


def _block_encoder(field: FieldInfo) -> Callable[[Any], Encoded]:
    if field.base == STRING:
        return encode_string
    if field.base == OBJECT:
        return codec(str(field.table)).encode
    if field.base == UNION:
        # Which table it is stands in the field before; it was encoded together with that.
        return lambda block: cast(Encoded, block)
    if field.element == STRING:
        return lambda items: _encode_offsets([encode_string(item) for item in items])
    if field.element == OBJECT:
        return codec(str(field.table)).encode_vector
    return _scalar_vector_encoder(SCALARS[field.element], field.enum.numbers if field.enum else None)


def _default(field: FieldInfo) -> Any:
    if field.optional or field.base not in SCALARS:
        return None
    if field.enum:
        return field.enum.names.get(int(field.default))
    return bool(field.default) if SCALARS[field.base] == "?" else field.default


def _read_string(buf: bytes, at: int) -> str:
    at += _U32.unpack_from(buf, at)[0]
    return buf[at + 4 : at + 4 + _U32.unpack_from(buf, at)[0]].decode()


def _reader(field: FieldInfo, lean: bool) -> Callable[[bytes, int], Any]:
    if field.base == STRING:
        return _read_string
    if field.base == VECTOR:
        return _vector_reader(field)
    table = codec(str(field.table), lean)
    return lambda buf, at: table.decode(buf, at + _U32.unpack_from(buf, at)[0])


def _vector_reader(field: FieldInfo) -> Callable[[bytes, int], Any]:
    if field.element in (STRING, OBJECT):
        table = codec(str(field.table)) if field.element == OBJECT else None

        def read_offsets(buf: bytes, at: int) -> list[Any]:
            at += _U32.unpack_from(buf, at)[0]
            places = range(at + 4, at + 4 + 4 * _U32.unpack_from(buf, at)[0], 4)
            if table is None:
                return [_read_string(buf, place) for place in places]
            return [table.decode(buf, place + _U32.unpack_from(buf, place)[0]) for place in places]

        return read_offsets
    letter, names = SCALARS[field.element], field.enum.names if field.enum else None

    def read_scalars(buf: bytes, at: int) -> Any:
        at += _U32.unpack_from(buf, at)[0]
        count = _U32.unpack_from(buf, at)[0]
        if letter == "B" and names is None:
            return buf[at + 4 : at + 4 + count]
        values = struct.unpack_from(f"<{count}{letter}", buf, at + 4)
        return [names.get(value) for value in values] if names else list(values)

    return read_scalars


@cache
def codec(name: str, lean: bool = False) -> TableCodec:
    """The codec of a table, by its full name ("FBS.Transport.Dump") or without the "FBS.".

    A lean one does not read what nobody wants to know of a thing that has just been made.
    """
    full = name if name.startswith("FBS.") else "FBS." + name
    return TableCodec(load_schema()[full], lean)
