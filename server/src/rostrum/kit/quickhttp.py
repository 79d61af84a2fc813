"""HTTP connections on which a read is first tried without waiting.

uvicorn gives each request a task. Here a GET that has a door (see kit.doors) runs at once, through the same ASGI
application with all its middleware, as far as it comes without waiting; that is to its end, more often than not. Else
it was a try (see kit.quick), and uvicorn's own way follows.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import httptools
import structlog
from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from rostrum.kit.clock import monotonic
from rostrum.kit.doors import SCOPE_KEY, Found
from rostrum.kit.quick import attempt, must_wait

log = structlog.get_logger(__name__)

_OF_BODIES: Final = frozenset({b"content-length", b"transfer-encoding"})


class _Answer:
    """What the application sends, kept until it is whole."""

    __slots__ = ("body", "headers", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: bytes | None = None

    async def send(self, message: Message) -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = message["headers"]
            return
        if message.get("more_body"):
            must_wait()
        self.body = message.get("body", b"")


async def _nothing_to_receive() -> Message:
    must_wait()
    return {"type": "http.disconnect"}


class QuickHttp(HttpToolsProtocol):
    """One connection. `find` tells which requests have a door."""

    find: Callable[[Scope], Found | None]

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._held = False
        self._idle_since = 0.0
        self._idle_timer: Any = None

    def on_headers_complete(self) -> None:
        """Hold a GET without a body until it is whole."""
        self._held = (
            self.parser.get_method() == b"GET"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and not any(name in _OF_BODIES for name, _ in self.headers)
        )
        if not self._held:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Try it, or go uvicorn's way."""
        if self._held:
            self._held = False
            if self._answered():
                return
            super().on_headers_complete()
        super().on_message_complete()

    def _answered(self) -> bool:
        if self.flow.write_paused or self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return False
        scope = self._scope()
        found = self.find(scope)
        if found is None or found[0].rests_until > monotonic():
            return False
        scope[SCOPE_KEY] = found
        answer = _Answer()
        try:
            if not attempt(self.app(scope, _nothing_to_receive, answer.send)) or answer.body is None:
                found[0].rest()
                return False
        except Exception:  # The ordinary way meets it too and tells the caller.
            log.exception("quick.failed")
            return False
        self._write(answer, answer.body)
        return True

    def _scope(self) -> dict[str, Any]:
        """A scope for the try: the ordinary way gets one that nobody has touched."""
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        return {
            **self.scope,
            "method": "GET",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
        }

    def _write(self, answer: _Answer, body: bytes) -> None:
        lines = [b"%b: %b" % header for header in (*self.server_state.default_headers, *answer.headers)]
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
            raise RuntimeError("A header holds the end of a line.")
        self.transport.write(b"%b%b\r\n\r\n%b" % (STATUS_LINE[answer.status], head, body))
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._on_idle)

    def _on_idle(self) -> None:
        """Close the connection if nobody has asked for long; one timer for many requests."""
        self._idle_timer = None
        if self.transport.is_closing() or not (self.cycle is None or self.cycle.response_complete):
            return
        remaining = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if remaining <= 0 and self.timeout_keep_alive_task is None:
            self.transport.close()
        elif remaining > 0:
            self._idle_timer = self.loop.call_later(remaining, self._on_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timer too."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)
