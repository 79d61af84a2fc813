"""What every REST door shares: the error envelope, request ids, limits on bodies, security headers."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, TypeVar

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

log = structlog.get_logger(__name__)

T = TypeVar("T")

LONGEST_ADDRESS = 8192
"""Bytes of a request's path and query."""

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


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
    """The caller's network address; behind a trusted proxy the one that the proxy tells."""
    return request.client.host if request.client else "unknown"


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


def install_error_handlers(app: FastAPI, on_refused: Refused | None = None) -> None:
    """Make every error that a route or the router raises answer in the envelope; `on_refused` hears of it before."""

    async def on_rostrum(request: Request, error: Exception) -> Response:
        assert isinstance(error, RostrumError)
        log.info(
            "request.refused",
            method=request.method,
            path=request.url.path,
            code=error.code,
            address=client_address(request),
        )
        route = request.scope.get("route")
        if on_refused is not None and route is not None:
            await on_refused(request.method, route.path, request.path_params, error)
        return envelope(error, _request_id(request.scope))

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
    fields = [FieldError(field=_field(problem["loc"]), msg=problem["msg"]) for problem in problems[:50]]
    return InvalidInput(errors=fields)


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
        request_id = scope["rostrum.request_id"] = new_id()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        set_origin(Origin(scope["client"][0] if scope.get("client") else "unknown", request_id))
        started = False
        without_body = scope["method"] == "HEAD"

        async def framed_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, {**SECURITY_HEADERS, "x-request-id": request_id})
            elif without_body:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._limited(_plain(scope), receive, framed_send)
        except RostrumError as error:
            await envelope(error, request_id)(scope, receive, framed_send)
        except asyncio.CancelledError:
            # The server stops and waits no longer. This is the edge: nobody above needs the cancellation.
            log.info("request.cancelled", method=scope["method"], path=scope["path"])
            if not started:
                await envelope(Unavailable("The server is stopping.", retry_after=2), request_id)(
                    scope, receive, framed_send
                )
        except Exception:
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await envelope(InternalError(), request_id)(scope, receive, framed_send)

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = self._most(scope["path"])
        # Nothing that is asked for by NUL exists, and PostgreSQL has no form for it.
        if "\0" in scope["path"]:
            raise NotFound()
        if b"%00" in scope["query_string"]:
            raise InvalidInput("The query must not contain NUL characters.")
        refuse_large(dict(scope["headers"]).get(b"content-length", b"0"), most)
        # Whoever takes a file sees to its pace as well.
        idle_seconds = self.body_idle_seconds if most == self.max_body_bytes else None
        await self.app(scope, BoundedBody(receive, most=most, idle_seconds=idle_seconds), send)

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


def _add_headers(message: MutableMapping[str, Any], headers: Mapping[str, str]) -> None:
    """Add headers that the answer does not set itself."""
    present = {name.lower() for name, _ in message["headers"]}
    extra = [(name.encode(), value.encode()) for name, value in headers.items() if name.encode() not in present]
    message["headers"] = [*message["headers"], *extra]


def compact_json(value: object) -> str:
    """JSON on one line without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
