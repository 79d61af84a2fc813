"""create_app builds everything, top to bottom."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from rostrum import __version__
from rostrum.auth.errors import InvalidToken
from rostrum.features import FEATURES
from rostrum.kit.answers import bare
from rostrum.kit.doors import Directory, Doors
from rostrum.kit.errors import Unavailable
from rostrum.kit.http import RequestFrame, install_error_handlers
from rostrum.kit.openapi import describe
from rostrum.kit.proxy import SECURE, HttpsOnly, HttpsRequired, ProxyHeaders
from rostrum.kit.realtime import PATHS
from rostrum.opening import Opening, Prepare
from rostrum.services import Services, build
from rostrum.settings import Settings
from rostrum.tenants.errors import InvalidApiKey
from rostrum.web import Assets, web_router

FORM_BYTES = 131_072
"""What a multipart form may add to the file in it."""

HEALTH = frozenset({"/healthz", "/readyz"})


class App:
    """The whole server as one ASGI application: sockets on their paths, REST and pages on all others.

    `websockets` is what uvicorn hands WebSockets over to, before they become ASGI's.
    """

    def __init__(self, services: Services, rest: ASGIApp, opening: Opening, doors: Directory) -> None:
        self.services = services
        self.doors = doors
        self._rest = rest
        self._opening = opening
        self._closed = RequestFrame(_not_open, max_body_bytes=services.settings.max_body_bytes)
        self.websockets = services.realtime.protocol_class(self._gate)
        settings = services.settings
        inner: ASGIApp = HttpsOnly(self._route, settings.url) if settings.https_only else self._route
        self._whole = ProxyHeaders(inner, settings.trusted_proxies, settings.proxy_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        await self._whole(scope, receive, send)

    def _gate(self, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the middlewares do, for WebSockets, which uvicorn hands over past them."""
        scope = self._whole.resolved(dict(scope))
        if self.services.settings.https_only and scope["scheme"] not in SECURE:
            raise HttpsRequired()
        if self._opening.waits:
            raise _unavailable()
        return scope

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").rstrip("/")
        if self._opening.waits and path not in HEALTH:
            await self._closed(scope, receive, send)
        elif scope["type"] in ("http", "websocket") and path in PATHS:
            await self.services.realtime.asgi(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def create_app(settings: Settings, prepare: Prepare | None = None) -> App:
    """Build the server; `prepare` runs once the tables exist and before the first request is taken."""
    services = build(settings.prepare())
    opening = Opening(services, prepare)
    doors = Directory(_reads())
    rest = _framed(_rest(services, opening), doors, services)
    for feature in FEATURES:
        if feature.signals is not None:
            feature.signals(services)
    return App(services, rest, opening, doors)


async def _not_open(scope: Scope, _receive: Receive, send: Send) -> None:
    """What everything is answered while the server waits for its database; a socket's client comes back by itself."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013})
        return
    raise _unavailable()


def _unavailable() -> Unavailable:
    return Unavailable("The server is starting; its database does not answer yet.", retry_after=2)


def _rest(services: Services, opening: Opening) -> FastAPI:
    settings = services.settings
    app = FastAPI(
        title="Rostrum",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(services, opening),
        generate_unique_id_function=_operation_id,
    )
    app.state.services = services.by_class()
    install_error_handlers(app, services.trail.on_request_refused)
    for feature in FEATURES:
        for router in feature.routers:
            app.include_router(router)
        for router in (*feature.routers, *feature.v1_routers):
            app.include_router(router, prefix="/v1")
    app.include_router(_health(services))
    describe(app, without_key=frozenset({"/healthz", "/readyz"}), of_key=(InvalidApiKey, InvalidToken))
    app.include_router(web_router(settings.web))
    app.mount("/assets", Assets(settings.web / "assets"))
    return app


# What a page of another origin may send and read beyond what browsers allow by themselves: downloads are part of it.
_ASKED_WITH: Final = ("authorization", "content-type", "if-none-match", "if-range", "prefer", "range", "x-api-key")
_TOLD_WITH: Final = (
    *("accept-ranges", "content-disposition", "content-range", "etag"),
    *("link", "retry-after", "x-next-cursor", "x-request-id"),
)


def _framed(rest: FastAPI, doors: Directory, services: Services) -> ASGIApp:
    """What stands around all of REST, outside of FastAPI, so that reads need not enter it."""
    settings = services.settings
    app: ASGIApp = Doors(rest, doors, services.trail.on_request_refused)
    if settings.allowed_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=["*"],
            allow_headers=[*_ASKED_WITH],
            expose_headers=[*_TOLD_WITH],
        )
    return RequestFrame(
        app,
        max_body_bytes=settings.max_body_bytes,
        body_idle_seconds=settings.body_idle_seconds,
        larger=_larger(settings),
    )


def _reads() -> Iterator[tuple[str, APIRoute]]:
    """The features' routes with the paths that they have here."""
    for feature in FEATURES:
        at_root = [("", router) for router in feature.routers]
        for prefix, router in (*at_root, *(("/v1", router) for router in (*feature.routers, *feature.v1_routers))):
            for route in router.routes:
                if isinstance(route, APIRoute):
                    yield prefix + route.path, route


def _larger(settings: Settings) -> list[tuple[re.Pattern[str], int]]:
    """The paths that take more than other requests, and how much: one file, and the form around it."""
    return [
        (re.compile(f"(/v1)?{feature.large_bodies}"), settings.max_upload_bytes + FORM_BYTES)
        for feature in FEATURES
        if feature.large_bodies
    ]


def _lifespan(services: Services, opening: Opening) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await opening.begin()
            yield
        finally:
            await opening.close()
            await services.stop()

    return lifespan


class Health(BaseModel):
    """What the health checks answer."""

    status: str


def _health(services: Services) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", responses=bare(Health, {"status": "ok"}))
    async def healthz() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "ok"}

    @router.get("/readyz", responses=bare(Health, {"status": "ready"}, Unavailable))
    async def readyz() -> dict[str, str]:
        """Whether it can serve: the database answers and media workers run."""
        if problems := await services.problems():
            raise Unavailable(f"Not ready: {'; '.join(problems)}.", retry_after=2)
        return {"status": "ready"}

    return router


def _operation_id(route: APIRoute) -> str:
    version = "v1_" if route.path_format.startswith("/v1/") else ""
    return f"{version}{route.name}"
