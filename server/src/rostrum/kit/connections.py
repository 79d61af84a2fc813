"""The HTTP connection as uvicorn reads it, with bounds of ours.

uvicorn's httptools protocol neither bounds a request's head nor the time that it takes, and reads the rest of a body
that was refused to its end, however long that is. Framing that could be read in two ways (both lengths, a folded
header) llhttp refuses itself; headers that must be one are refused here.
"""

import asyncio
from typing import Any, Final

import httptools
from starlette.responses import JSONResponse
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from rostrum.kit.errors import InvalidInput, RostrumError
from rostrum.kit.http import envelope
from rostrum.kit.ids import new_id

MOST_HEAD_BYTES: Final = 32_768
LINGER_SECONDS: Final = 5.0
"""How long what a refused client still sends is read and forgotten: a reset could overtake the answer."""

VERSIONS: Final = ("1.0", "1.1")
ONCE: Final = frozenset({b"host", b"content-type", b"authorization", b"x-api-key"})


class MalformedRequest(InvalidInput):
    """The request's line or its headers are not well formed, or can be read in two ways; the connection is closed."""

    code = "malformed_request"
    sentence = "The request is not well-formed HTTP."


class HeadTooLarge(RostrumError):
    """The request's line and headers are larger than 32 KiB together; the connection is closed."""

    code = "head_too_large"
    status = 431
    sentence = "The headers are too large."


class HeadTooSlow(RostrumError):
    """The request's headers took too long; the connection is closed."""

    code = "head_too_slow"
    status = 408
    sentence = "The request took too long."


class BoundedConnection(HttpToolsProtocol):
    """One connection of a client."""

    head_seconds = 15.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._deadline: asyncio.TimerHandle | None = None
        self._refusal: type[RostrumError] = MalformedRequest
        self._lingering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or we have closed."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes have come."""
        if self._lingering or self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head or not self._head_bytes or self.transport.is_closing():
            return
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(HeadTooLarge)
        elif self._deadline is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = max(1, self._head_bytes)

    def on_headers_complete(self) -> None:
        """The head is whole: judge it before anything is done with it."""
        self._in_head = False
        self._head_bytes = 0
        self._head_came()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD_BYTES:
            self._refusal = HeadTooLarge
            raise httptools.HttpParserError("the head is too large")
        version = self.parser.get_http_version()
        singles = [name for name, _ in self.headers if name in ONCE]
        if (
            version not in VERSIONS
            or len(singles) != len(set(singles))
            or (version == "1.1" and b"host" not in singles)
        ):
            raise httptools.HttpParserError("another version, or a header that must be one")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole; what comes next is another one."""
        super().on_message_complete()
        self._in_head = True

    def on_response_complete(self) -> None:
        """The answer is written. Where the request is not whole it was refused: nobody wants the rest."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body and not self.transport.is_closing():
            self._linger()

    def send_400_response(self, msg: str) -> None:
        """The parser has given up."""
        self._refuse(self._refusal)

    def _linger(self) -> None:
        self._lingering = True
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self.head_seconds, self._too_slow)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self.transport.is_closing() or not self._in_head:
            return
        if self._head_bytes and (self.cycle is None or self.cycle.response_complete):
            self._refuse(HeadTooSlow)
        else:
            self.transport.close()

    def _refuse(self, error: type[RostrumError]) -> None:
        cycle = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()  # A refusal would stand inside of another answer.
            return
        if cycle is not None:
            cycle.disconnected = True
        self.transport.write(_written(envelope(error(), new_id())))
        self._linger()


def bounded(head_seconds: float) -> type[BoundedConnection]:
    """The protocol class for uvicorn's `http`, with the seconds that a head may take."""
    return type("Connection", (BoundedConnection,), {"head_seconds": head_seconds})


def _written(answer: JSONResponse) -> bytes:
    headers = [*answer.raw_headers, (b"x-content-type-options", b"nosniff"), (b"connection", b"close")]
    lines = [STATUS_LINE[answer.status_code], *(b"%s: %s\r\n" % pair for pair in headers), b"\r\n", bytes(answer.body)]
    return b"".join(lines)
