"""Reads the one file out of a multipart body while the body comes in; holds one packet at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from rostrum.files.errors import FormRequired, MalformedForm, UploadTooSlow
from rostrum.kit import clock
from rostrum.kit.errors import InvalidInput

FIELD: Final = "file"
OTHER_BYTES: Final = 65_536
"""Most bytes of other fields; they are read and forgotten."""

LEAST_RATE: Final = 1024
"""Bytes a second that an upload must bring on the average, once `idle_seconds` have passed."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the form says about its file; none of it is trusted."""

    filename: str
    content_type: str


class Form:
    """A multipart body with one file: first `head`, then `chunks`.

    Args:
        content_type: the request's header.
        body: its bytes as they come.
        idle_seconds: how long it may stand still.
    """

    def __init__(self, content_type: str, body: AsyncIterator[bytes], *, idle_seconds: float) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise FormRequired()
        self._body = body
        self._idle_seconds = idle_seconds
        self._began = clock.monotonic()
        self._received = 0
        self._headers: dict[str, bytes] = {}
        self._field, self._value = bytearray(), bytearray()
        self._head: Head | None = None
        self._in_file = False
        self._ended = False
        self._others = 0
        self._ready: deque[bytes] = deque()
        try:
            self._parser = MultipartParser(
                options.get(b"boundary", b""),
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except (FormParserError, ValueError) as error:
            raise MalformedForm() from error
        if not options.get(b"boundary"):
            raise MalformedForm()

    async def head(self) -> Head:
        """What the form says about its file.

        Raises:
            InvalidInput: it has none.
            MalformedForm, UploadTooSlow.
        """
        while self._head is None:
            if not await self._feed():
                if not self._ended:
                    raise MalformedForm()
                raise InvalidInput(errors=[{"field": FIELD, "msg": "Field required"}])
        return self._head

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the file; when they end, the whole form has been read.

        Raises:
            InvalidInput: there is a second file.
            MalformedForm, UploadTooSlow.
        """
        while True:
            while self._ready:
                yield self._ready.popleft()
            if not await self._feed():
                break
        if not self._ended:
            raise MalformedForm("The body ends before the form does.")

    async def _feed(self) -> bool:
        """Read one packet; False at the end of the body."""
        try:
            async with asyncio.timeout(self._idle_seconds):
                chunk = await anext(self._body, None)
        except TimeoutError:
            raise UploadTooSlow() from None
        if chunk is None:
            return False
        self._received += len(chunk)
        seconds = clock.monotonic() - self._began
        if seconds > self._idle_seconds and self._received < LEAST_RATE * seconds:
            raise UploadTooSlow()
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedForm() from error
        return True

    def _on_part_begin(self) -> None:
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b"").decode("latin-1"))
        self._in_file = options.get(b"name") == FIELD.encode() and b"filename" in options
        if not self._in_file:
            return
        if self._head is not None:
            raise InvalidInput(errors=[{"field": FIELD, "msg": "must be one file"}])
        kind, _ = parse_options_header(self._headers.get("content-type", b"").decode("latin-1"))
        self._head = Head(options[b"filename"].decode("utf-8", "replace"), kind.decode("latin-1"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._ready.append(data[start:end])
            return
        self._others += end - start
        if self._others > OTHER_BYTES:
            raise MalformedForm("The form's other fields are too large.")

    def _on_part_end(self) -> None:
        self._in_file = False

    def _on_end(self) -> None:
        self._ended = True
