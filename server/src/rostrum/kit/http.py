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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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

LONGEST_NUMBER = 18
"""Digits of a length that is worth reading."""

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


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
        return envelope(_invalid(error), _request_id(request.scope))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        # FastAPI turns whatever goes wrong while it reads a body into a 400; the true reason is its cause.
        cause = error.__cause__
        ours = cause if isinstance(cause, RostrumError) else BY_STATUS.get(error.status_code, InvalidInput)()
        return envelope(ours, _request_id(request.scope))

    app.add_exception_handler(RostrumError, on_rostrum)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _invalid(error: RequestValidationError) -> InvalidInput:
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return MalformedJson()
    fields = [FieldError(field=_field(problem["loc"]), msg=problem["msg"]) for problem in problems[:50]]
    return InvalidInput(errors=fields)


def _field(location: tuple[int | str, ...]) -> str:
    """The name a caller knows: without "body" or "query" before it."""
    return ".".join(str(part) for part in location[1:] or location)


def _request_id(scope: Mapping[str, Any]) -> str:
    return str(scope.get("rostrum.request_id", ""))


class RequestFrame:
    """ASGI middleware around all of REST: a request id, security headers, a bound on bodies, and no trace ever."""

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, larger: Sequence[tuple[re.Pattern[str], int]] = ()
    ) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
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

        async def framed_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, {**SECURITY_HEADERS, "x-request-id": request_id})
            await send(message)

        try:
            await self._limited(scope, receive, framed_send)
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
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        most = self._most(scope["path"])
        if declared.isdigit() and (len(declared) > LONGEST_NUMBER or int(declared) > most):
            raise PayloadTooLarge()
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise PayloadTooLarge()
            return message

        await self.app(scope, counted_receive, send)

    def _most(self, path: str) -> int:
        """Largest body of a path, in bytes."""
        return next((most for pattern, most in self.larger if pattern.fullmatch(path)), self.max_body_bytes)


def _add_headers(message: MutableMapping[str, Any], headers: Mapping[str, str]) -> None:
    """Add headers that the answer does not set itself."""
    present = {name.lower() for name, _ in message["headers"]}
    extra = [(name.encode(), value.encode()) for name, value in headers.items() if name.encode() not in present]
    message["headers"] = [*message["headers"], *extra]


def compact_json(value: object) -> str:
    """JSON on one line without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
