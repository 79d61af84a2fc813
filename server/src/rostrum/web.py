"""Serves the built web client: its page at / and /join/:roomId, and its files; and the page of a new password."""

import gzip
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import anyio.to_thread
from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from rostrum.kit.errors import NotFound

CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "img-src 'self' blob: data:",
        "media-src 'self' blob: mediastream:",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
PAGE_HEADERS: Final = {
    "content-security-policy": CONTENT_POLICY,
    "permissions-policy": "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), "
    "fullscreen=(self), autoplay=(self), geolocation=()",
    "cache-control": "no-cache",
}
PAGES: Final = Path(__file__).parent / "pages"
NOT_BUILT: Final = (
    "<!doctype html><html lang=en><title>Rostrum</title><h1>Rostrum is running</h1>"
    "<p>Its web client has not been built: run <code>make setup</code>, then reload this page.</p>"
)


COMPRESSED: Final = frozenset({".js", ".css", ".svg", ".json", ".html"})


class Assets(StaticFiles):
    """Files whose names carry a hash of their content: they never change, so each is compressed once and kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._small: dict[str, bytes] = {}

    async def check_config(self) -> None:
        """Let the folder be absent: the client may not be built yet."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer one file."""
        response = await super().get_response(path, scope)
        if response.status_code in (200, 206, 304):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        if not isinstance(response, FileResponse) or Path(response.path).suffix not in COMPRESSED:
            return response
        response.headers["vary"] = "accept-encoding"
        headers = Headers(scope=scope)
        if "gzip" not in headers.get("accept-encoding", "") or "range" in headers:
            return response
        return Response(await self._compressed(Path(response.path)), headers=_headers(response))

    async def _compressed(self, file: Path) -> bytes:
        kept = self._small.get(str(file))
        if kept is None:
            kept = await anyio.to_thread.run_sync(lambda: gzip.compress(file.read_bytes(), mtime=0))
            self._small[str(file)] = kept
        return kept


def _headers(response: Response) -> dict[str, str]:
    """The headers of the file's plain form, for its compressed one."""
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "accept-ranges")}
    return {**kept, "content-encoding": "gzip", "etag": f"W/{kept.get('etag', '')}"}


def web_router(folder: Path) -> APIRouter:
    """The pages, as routes that do not stand in the OpenAPI document."""
    router = APIRouter(include_in_schema=False)

    async def page() -> Response:
        index = folder / "index.html"
        # Looked for at each request, so that a client that is built later needs no restart.
        if not index.is_file():
            return HTMLResponse(NOT_BUILT, headers=PAGE_HEADERS)
        return FileResponse(index, headers=PAGE_HEADERS)

    for path in ("/", "/join/{room_id}"):
        router.add_api_route(path, page, methods=["GET", "HEAD"])

    async def icon() -> Response:
        if not (folder / "favicon.svg").is_file():
            raise NotFound()
        return FileResponse(folder / "favicon.svg", headers={"cache-control": "public, max-age=86400"})

    router.add_api_route("/favicon.svg", icon, methods=["GET", "HEAD"])

    _add_own_pages(router)
    return router


def _add_own_pages(router: APIRouter) -> None:
    """The server's own pages: openapi.json for people, and a new password."""
    for path, name, kind in (
        ("/docs", "docs.html", "text/html"),
        ("/docs.js", "docs.js", "text/javascript"),
        ("/docs.css", "docs.css", "text/css"),
        ("/reset-password", "reset-password.html", "text/html"),
        ("/reset-password.js", "reset-password.js", "text/javascript"),
        ("/reset-password.css", "reset-password.css", "text/css"),
    ):
        answer = partial(FileResponse, PAGES / name, media_type=kind, headers=PAGE_HEADERS)
        router.add_api_route(path, _sender(answer), methods=["GET", "HEAD"])


def _sender(answer: Callable[[], Response]) -> Callable[[], Awaitable[Response]]:
    async def send() -> Response:
        return answer()

    return send
