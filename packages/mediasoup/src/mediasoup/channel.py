"""The channel: the only module that touches the pipes of a worker.

Two Unix sockets carry frames: the size of a message as a little-endian u32, then a flatbuffer `Message` that holds a
request, a response, a notification or a line of log.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, cast

from .envelope import MAX_FRAME, envelope, frame
from .errors import Closed, InvalidState, MediasoupError, RequestTimeout, WorkerError
from .wire import Encoded, TableCodec, codec

log = logging.getLogger(__name__)
worker_log = logging.getLogger("mediasoup.worker")

#: Notifications that the worker has not read yet may take this many bytes before sending one is refused.
MAX_UNSENT = 32 * 1024 * 1024

_LEVELS = {"E": logging.ERROR, "W": logging.WARNING, "D": logging.DEBUG, "X": logging.ERROR}
_U32 = Struct("<I")

#: Makes something of the response's body at a position in its message.
Reader = Callable[[bytes, int], Any]
#: A request under way: its method, who waits, whether to read the answer leanly, and how, if not by the schema alone.
Waiting = tuple[str, "asyncio.Future[Any] | None", bool, "Reader | None"]
#: What is pending for a number that nobody waits for.
_NOBODY: Waiting = ("", None, False, None)

#: The name of a request's table in the union of bodies, and its fields.
Body = tuple[str, "dict[str, Any] | Encoded"]
Handler = Callable[[str, Any], None]


class FrameReader:
    """Cuts a stream of bytes, however it is chopped, into the messages that it carries."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields every message that is complete now. Raises `ValueError` for an impossible size."""
        if self._rest:
            self._rest += data
            data = bytes(self._rest)
            self._rest.clear()
        at = 0
        while len(data) - at >= 4:
            size = _U32.unpack_from(data, at)[0]
            if size > MAX_FRAME:
                raise ValueError(f"a frame of {size} bytes")
            if len(data) - at - 4 < size:
                break
            yield data[at + 4 : at + 4 + size]
            at += 4 + size
        self._rest += data[at:]


class _Reader(asyncio.Protocol):
    """The end that the worker writes to."""

    def __init__(self, on_data: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        self._on_data, self._on_lost = on_data, on_lost

    def data_received(self, data: bytes) -> None:
        self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()


class Channel:
    """Requests, responses and notifications of one worker.

    A notification never overtakes the response before it: a response wakes the one who waits for it in the loop's next
    turn, so notifications are handed out in that turn too.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._message: TableCodec = codec("Message.Message")
        self._response: TableCodec = codec("Response.Response")
        self._frames = FrameReader()
        self._handlers: dict[str, Handler] = {}
        self._pending: dict[int, Waiting] = {}
        self._unsent: list[bytes] = []
        self._unsent_size = 0
        self._next_id = 0
        self._closed = False
        self._writer: asyncio.WriteTransport
        self._reader: asyncio.BaseTransport
        #: Called once when the worker closes its end or sends nonsense.
        self.on_lost: Callable[[], None] = lambda: None
        #: Called when the worker says that it is running.
        self.on_running: Callable[[], None] = lambda: None

    @classmethod
    async def open(cls, to_worker: socket.socket, from_worker: socket.socket, timeout: float) -> Channel:
        """Takes over our ends of the two socket pairs. `timeout` bounds every request, in seconds."""
        self = cls(timeout)
        writer, _ = await self._loop.create_connection(lambda: _Reader(lambda _: None, self._lost), sock=to_worker)
        reader, _ = await self._loop.create_connection(lambda: _Reader(self._received, self._lost), sock=from_worker)
        self._writer, self._reader = cast(asyncio.WriteTransport, writer), reader
        return self

    @property
    def closed(self) -> bool:
        return self._closed

    def subscribe(self, handler_id: str, handler: Handler) -> None:
        """Gives every notification for `handler_id` to `handler(event, body)`."""
        self._handlers[handler_id] = handler

    def unsubscribe(self, handler_id: str) -> None:
        self._handlers.pop(handler_id, None)

    async def request(
        self,
        method: str,
        handler_id: str = "",
        body: Body | None = None,
        *,
        lean: bool = False,
        read: Reader | None = None,
    ) -> Any:
        """Sends a request and returns the body of its response: a dictionary, None, or what `read` makes of it.

        With `lean` the parts of it that say nothing of a new object are left unread.
        Raises `Closed`, `RequestTimeout`, `WorkerError` (refused), `InvalidParameters` (it could not be encoded).
        """
        number, future = self._send(method, handler_id, body, lean, read)
        # A timer that fails the future keeps the order of things, as `asyncio.timeout` would, at a quarter of its cost.
        timer = self._loop.call_later(self.timeout, self._expire, number)
        try:
            return await future
        finally:
            timer.cancel()
            self._pending.pop(number, None)

    def post(self, method: str, handler_id: str = "", body: Body | None = None) -> None:
        """Sends a request whose answer nobody waits for. Does nothing on a closed channel."""
        if not self._closed:
            number, future = self._send(method, handler_id, body)
            timer = self._loop.call_later(self.timeout, self._expire, number)
            future.add_done_callback(lambda done: _ignore_result(done, timer))

    def notify(self, event: str, handler_id: str = "", body: Body | None = None) -> None:
        """Sends a notification. Raises `Closed`, or `InvalidState` when the worker does not keep up reading."""
        if self._closed:
            raise Closed("the worker is closed")
        if self._writer.get_write_buffer_size() + self._unsent_size > MAX_UNSENT:
            raise InvalidState("the worker does not read what it is sent")
        fields = {"handler_id": handler_id, "event": event, "body": body}
        self._write(frame(self._message.encode({"data": ("Notification", fields)})))

    def close(self) -> None:
        """Closes the pipe to the worker, which ends it, and fails every pending request with `Closed`."""
        if self._closed:
            return
        self._closed = True
        self._handlers.clear()
        # What is still in the buffer (the worker's order to close) is written first, never waited for. Our other end
        # closes when the worker does, so that it does not complain of a broken pipe.
        self._flush()
        self._writer.close()
        for method, future, _, _ in self._pending.values():
            if future is not None and not future.done():
                future.set_exception(Closed(f"the worker ended before it answered {method}"))
        self._pending.clear()

    def abort(self) -> None:
        """Like `close`, without a last word and at both ends: the worker is gone."""
        self._unsent.clear()
        self._writer.abort()
        self._reader.close()
        self.close()

    def _send(
        self, method: str, handler_id: str, body: Body | None, lean: bool = False, read: Reader | None = None
    ) -> tuple[int, asyncio.Future[Any]]:
        if self._closed:
            raise Closed(f"the worker is closed, {method} is impossible")
        number = self._next_id = self._next_id % 0xFFFFFFFF + 1
        if body is None:
            data = envelope(method, None, len(handler_id)).fill(number, handler_id)
        else:
            table, fields = body
            # The names of the union are those of the tables, with an underscore where the namespace ends.
            block = codec(table.replace("_", ".", 1)).encode(fields)
            data = envelope(method, table, len(handler_id)).fill(number, handler_id, block)
        future = self._loop.create_future()
        self._pending[number] = method, future, lean, read
        self._write(data)
        return number, future

    def _write(self, data: bytes) -> None:
        """Writes what one turn of the loop has to say in one go: each write wakes the worker."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(data)
        self._unsent_size += len(data)

    def _flush(self) -> None:
        if self._unsent:
            self._writer.write(b"".join(self._unsent))
            self._unsent.clear()
            self._unsent_size = 0

    def _expire(self, number: int) -> None:
        method, future, _, _ = self._pending.pop(number, _NOBODY)
        if future is not None and not future.done():
            future.set_exception(RequestTimeout(method, self.timeout))

    def _lost(self) -> None:
        if not self._closed:
            self.on_lost()

    def _received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._dispatch(message)
        except Exception:
            log.exception("the worker sent what cannot be read; giving it up")
            self._lost()

    def _dispatch(self, data: bytes) -> None:
        message = self._message.decode(data, _U32.unpack_from(data)[0], shallow=True)
        kind, at = message["data_type"], message["data"]
        if kind == "Response":
            self._respond(data, self._response.decode(data, at, shallow=True))
            return
        body = codec(f"{kind}.{kind}").decode(data, at)
        if kind == "Notification":
            self._loop.call_soon(self._deliver, body["handler_id"], body["event"], body["body"])
        elif kind == "Log":
            _write_log(body["data"])

    def _respond(self, data: bytes, response: dict[str, Any]) -> None:
        method, future, lean, read = self._pending.pop(response["id"], _NOBODY)
        if future is None or future.done():
            return
        if response["accepted"]:
            at = response["body"]
            if at and read is None:
                read = codec(response["body_type"].replace("_", ".", 1), lean).decode
            future.set_result(read(data, at) if at and read is not None else None)
        else:
            future.set_exception(WorkerError(method, response["error"] or "Error", response["reason"] or ""))

    def _deliver(self, handler_id: str, event: str, body: Any) -> None:
        if event == "WORKER_RUNNING":
            self.on_running()
        elif handler := self._handlers.get(handler_id):
            try:
                handler(event, body)
            except Exception:
                log.exception("handling %s failed", event)


def _ignore_result(future: asyncio.Future[Any], timer: asyncio.TimerHandle) -> None:
    timer.cancel()
    if not future.cancelled() and isinstance(error := future.exception(), MediasoupError):
        log.debug("nobody waited for: %s", error)


def _write_log(line: str) -> None:
    """A line of the worker's log: its first letter is the level."""
    worker_log.log(_LEVELS.get(line[:1], logging.INFO), "%s", line[1:])
