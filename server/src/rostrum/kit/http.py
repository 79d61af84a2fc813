"""What every REST door shares: the error envelope, request ids, limits on bodies, security headers."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rostrum.kit.bodies import BodyTooSlow, BoundedBody, refuse_large
from rostrum.kit.errors import (
    FieldError,
    Forbidden,
    InternalError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RostrumError,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from rostrum.kit.ids import new_id
from rostrum.kit.origin import Origin, set_origin
from rostrum.kit.ratelimit import network_of

log = structlog.get_logger(__name__)

T = TypeVar("T")

LONGEST_ADDRESS = 8192
"""Bytes of a request's path and query."""

SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
FULL = Match.FULL
HEAD_ALONE = "rostrum.head_alone"


class AddressTooLong(InvalidInput):
    """The path and the query of the address are longer than 8 KiB together."""

    code = "address_too_long"
    status = 414
    sentence = "The address is too long."


class MalformedJson(InvalidInput):
    """The body is not JSON at all."""

    code = "malformed_json"
    sentence = "The body is not valid JSON."


BY_STATUS: dict[int, type[RostrumError]] = {
    error.status: error
    for error in (
        MalformedJson, Unauthorized, Forbidden, NotFound, MethodNotAllowed, PayloadTooLarge, UnsupportedMediaType,
        Unavailable,
    )
}  # fmt: skip


def given(kind: type[T]) -> Any:
    """A FastAPI dependency on the one service of a class."""

    async def find(request: Request) -> Any:
        return request.app.state.services[kind]

    return Depends(find)


def client_address(request: Request) -> str:
    """What limits go by: the caller's network address; behind a trusted proxy the one that the proxy tells."""
    return network_of(request.client.host) if request.client else "unknown"


def envelope(error: RostrumError, request_id: str) -> JSONResponse:
    """The one shape of every error answer."""
    body: dict[str, Any] = {
        "success": False,
        "code": error.code,
        "msg": error.text,
        "message": error.text,
        "requestId": request_id,
    }
    if error.errors:
        body["errors"] = error.errors
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    if error.status == BodyTooSlow.status:
        headers["connection"] = "close"  # The rest of the body would be read as the next request's.
    return JSONResponse({**error.details, **body}, error.status, headers)


Refused = Callable[[str, str, Mapping[str, Any], RostrumError], Awaitable[None]]
"""Told of a refusal: method, path of the route's definition, path parameters, error."""


async def refusal(
    scope: Scope, path: str | None, error: RostrumError, on_refused: Refused | None = None
) -> JSONResponse:
    """The answer of the route with this path to a request that it refuses; the log tells of it."""
    if on_refused is not None and path is not None:
        await on_refused(scope["method"], path, scope.get("path_params", {}), error)
    address = scope["client"][0] if scope.get("client") else "unknown"
    log.info("request.refused", method=scope["method"], path=scope["path"], code=error.code, address=address)
    return envelope(error, _request_id(scope))


def install_error_handlers(app: FastAPI, on_refused: Refused | None = None) -> None:
    """Make every error that a route or the router raises answer in the envelope; `on_refused` hears of it before."""

    async def on_rostrum(request: Request, error: Exception) -> Response:
        assert isinstance(error, RostrumError)
        route = request.scope.get("route")
        return await refusal(request.scope, route.path if route is not None else None, error, on_refused)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return envelope(_invalid(error, request.headers.get("content-type")), _request_id(request.scope))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == MethodNotAllowed.status:
            return _other_methods(app, request.scope)
        # FastAPI turns whatever goes wrong while it reads a body into a 400; the true reason is its cause.
        cause = error.__cause__
        ours = cause if isinstance(cause, RostrumError) else BY_STATUS.get(error.status_code, InvalidInput)()
        return envelope(ours, _request_id(request.scope))

    async def on_crash(request: Request, _error: Exception) -> Response:
        return envelope(InternalError(), _request_id(request.scope))

    app.add_exception_handler(Exception, on_crash)  # Raised again after that: RequestFrame logs it.
    app.add_exception_handler(RostrumError, on_rostrum)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _other_methods(app: FastAPI, scope: Scope) -> Response:
    """The path exists and does not take this method: say which ones it takes."""
    # Each route knows its own methods alone, and several may have the same path.
    asked = {"type": "http", "path": scope["path"], "root_path": "", "headers": []}
    taken = [
        name for name in METHODS if any(route.matches({**asked, "method": name})[0] is FULL for route in app.routes)
    ]
    headers = {"allow": ", ".join([*taken, *(["HEAD"] if "GET" in taken else []), "OPTIONS"])}
    if scope["method"] == "OPTIONS":
        return Response(status_code=204, headers=headers)
    answer = envelope(MethodNotAllowed(), _request_id(scope))
    answer.headers.update(headers)
    return answer


def _invalid(error: RequestValidationError, content_type: str | None) -> RostrumError:
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return MalformedJson()
    if isinstance(error.body, bytes) and error.body and not _is_json(content_type):
        return UnsupportedMediaType()
    fields = [FieldError(field=_field(problem["loc"]), msg=_told(problem["msg"])) for problem in problems[:50]]
    return InvalidInput(errors=fields)


def _told(msg: str) -> str:
    """What a check of ours says, without the validator's own "Value error" before it."""
    return msg.removeprefix("Value error, ")


def _is_json(content_type: str | None) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _field(location: tuple[int | str, ...]) -> str:
    """The name a caller knows: without "body" or "query" before it."""
    return ".".join(str(part) for part in location[1:] or location)


def _request_id(scope: Mapping[str, Any]) -> str:
    return str(scope.get("rostrum.request_id", ""))


class RequestFrame:
    """ASGI middleware around all of REST: a request id, security headers, a bound on bodies, and no trace ever."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        body_idle_seconds: float = 15,
        larger: Sequence[tuple[re.Pattern[str], int]] = (),
    ) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.body_idle_seconds = body_idle_seconds
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        frame = _Frame(scope, send)
        try:
            plain = _plain(scope)
            await self.app(plain, self._bounded(plain, receive), frame.send)
        except RostrumError as error:
            await envelope(error, frame.request_id)(scope, receive, frame.send)
        except asyncio.CancelledError:
            # The server stops and waits no longer. This is the edge: nobody above needs the cancellation.
            log.info("request.cancelled", method=scope["method"], path=scope["path"])
            if not frame.started:
                stopping = Unavailable("The server is stopping.", retry_after=2)
                await envelope(stopping, frame.request_id)(scope, receive, frame.send)
        except Exception:
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if frame.started and not frame.finished:
                raise
            if not frame.started:
                await envelope(InternalError(), frame.request_id)(scope, receive, frame.send)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` with bounds. Raises PayloadTooLarge if the head already says that the body is."""
        most = self._most(scope["path"])
        for name, value in scope["headers"]:
            if name == b"content-length":
                refuse_large(value, most)
        # Whoever takes a file sees to its pace as well.
        idle_seconds = self.body_idle_seconds if most == self.max_body_bytes else None
        return BoundedBody(receive, most=most, idle_seconds=idle_seconds)

    def _most(self, path: str) -> int:
        """Largest body of a path, in bytes."""
        return next((most for pattern, most in self.larger if pattern.fullmatch(path)), self.max_body_bytes)


def _plain(scope: Scope) -> Scope:
    """The request as the routes know it: HEAD is GET without a body, a slash at the end makes no difference.

    Raises:
        AddressTooLong, NotFound, InvalidInput: the address is one that nothing can have.
    """
    path, query = scope["path"], scope.get("query_string", b"")
    if len(path) + len(query) > LONGEST_ADDRESS:
        raise AddressTooLong()
    if "\0" in path:
        raise NotFound()
    if b"%00" in query:
        raise InvalidInput("The address must not contain NUL.")
    method = scope["method"]
    if method == "HEAD":
        scope = {**scope, "method": "GET", HEAD_ALONE: True}
    if len(path) > 1 and path.endswith("/"):
        scope = {**scope, "path": path.rstrip("/") or "/"}
    return scope


def head_alone(request: Request) -> bool:
    """Whether the caller wants the headers of an answer and not its body."""
    return HEAD_ALONE in request.scope


class _Frame:
    """One request: its id, and the headers that every answer has."""

    __slots__ = ("_send", "_without_body", "finished", "request_id", "started")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._without_body = scope["method"] == "HEAD"
        self.started = self.finished = False
        self.request_id = scope["rostrum.request_id"] = new_id()
        set_origin(Origin(scope["client"][0] if scope.get("client") else "unknown", self.request_id))

    async def send(self, message: Message) -> None:
        """ASGI's send; an answer's own headers stay."""
        if message["type"] == "http.response.start":
            self.started = True
            present = {name for name, _ in message["headers"]}
            added = [header for header in SECURITY_HEADERS if header[0] not in present]
            message["headers"] = [*message["headers"], *added, (b"x-request-id", self.request_id.encode())]
        else:
            self.finished = not message.get("more_body", False)
            if self._without_body:
                message = {**message, "body": b""}
        await self._send(message)


def compact_json(value: object) -> str:
    """JSON on one line without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
