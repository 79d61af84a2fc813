"""Reads by the short way and without waiting: the same answers as by the long way, and nothing stale in them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from rostrum.kit import quick
from rostrum.kit.connections import bounded
from rostrum.kit.doors import Directory
from rostrum.kit.errors import Forbidden
from rostrum.kit.http import RequestFrame
from rostrum.kit.quickhttp import QuickHttp
from rostrum.main import App, _reads
from rostrum.services import Services
from starlette.types import ASGIApp
from uvicorn.server import ServerState


@asynccontextmanager
async def listening(app: ASGIApp, directory: Directory) -> AsyncIterator[str]:
    """The application on a real port, by our protocol."""
    http = type("Http", (bounded(15), QuickHttp), {"find": staticmethod(directory.find)})
    config = uvicorn.Config(app, http=http, ws="none", lifespan="off", log_config=None, proxy_headers=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: http(config=config, server_state=state, app_state={}), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await server.wait_closed()


@pytest.fixture
async def url(app: App) -> AsyncIterator[str]:
    async with listening(app, app.doors) as place:
        yield place


@pytest.fixture
async def web(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url) as made:
        yield made


async def raw(url: str, text: str) -> bytes:
    """What comes back for some bytes, until the connection closes or half a second is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(text.encode())
    await writer.drain()
    told = b""
    try:
        while part := await asyncio.wait_for(reader.read(65_536), 0.5):
            told += part
    except TimeoutError:
        pass
    writer.close()
    return told


async def _room(web: httpx.AsyncClient, somebody: Any, **more: Any) -> str:
    made = await web.post("/room/create", json={"name": "Room", "type": "webinar", **more}, headers=somebody.headers)
    return str(made.json()["data"]["id"])


async def test_every_read_has_a_door_that_belongs_to_it(app: App) -> None:
    for path, route in _reads():
        if "GET" not in route.methods:
            continue
        filled = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
        found = app.doors.find({"type": "http", "method": "GET", "path": filled})
        assert found is not None, f"{path} has become too unusual for the short way"
        assert found[0].route.endpoint is route.endpoint, path
        assert app.doors.find({"type": "http", "method": "GET", "path": filled + "/"}) is None
        assert app.doors.find({"type": "http", "method": "POST", "path": filled}) is None


async def test_short_and_long_way_answer_alike(
    app: App, client: httpx.AsyncClient, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await person("ada")
    for _ in range(3):
        await _room(client, ada)
    room_id = await _room(client, ada, isPrivate=True)
    paths = [
        "/v1/rooms", "/v1/rooms?limit=2", "/v1/rooms?limit=2&limit=3", "/v1/rooms?limit=0", "/v1/rooms?limit=x",
        "/v1/rooms?limit=", "/v1/rooms?unknown=1", "/v1/rooms?isPrivate=true", "/v1/rooms?isPrivate=maybe",
        "/v1/rooms?name=%52oo&order=oldest", "/v1/rooms?name=%00", f"/v1/rooms/{room_id}", "/v1/rooms/nothing",
        "/v1/rooms/..%2F..", f"/meetings/list/{ada.id}", f"/v1/meetings/list/{ada.id}?limit=1", "/meetings/list/other",
        "/v1/features", "/v1/users/me", f"/v1/rooms/{room_id}/messages", f"/room/{room_id}/files", "/v1/audit-log",
        "/v1/rooms?since=2026-01-01&until=2027-01-01", "/v1/rooms?cursor=1.a", "/v1/rooms?cursor=nonsense",
    ]  # fmt: skip
    for headers in (
        ada.headers,
        {"x-api-key": ada.headers["x-api-key"]},
        {},
        {**ada.headers, "authorization": "Basic"},
    ):
        short = [await client.get(path, headers=headers) for path in paths]
        with monkeypatch.context() as patched:
            patched.setattr(app.doors, "find", lambda _scope: None)
            long = [await client.get(path, headers=headers) for path in paths]
        for path, one, other in zip(paths, short, long, strict=True):
            assert one.status_code == other.status_code, (path, one.text, other.text)
            assert _told(one) == _told(other), path
            for name in ("content-type", "x-next-cursor", "link", "x-content-type-options"):
                assert one.headers.get(name) == other.headers.get(name), (path, name)


def _told(answer: httpx.Response) -> Any:
    body = answer.json()
    body.pop("requestId", None)
    return body


async def test_answers_over_the_wire_are_whole(web: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    room_id = await _room(web, ada)
    seen = set()
    for _ in range(5):
        answer = await web.get(f"/v1/rooms/{room_id}", headers=ada.headers)
        assert answer.json()["data"]["id"] == room_id
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        seen.add(answer.headers["x-request-id"])
    assert len(seen) == 5
    assert (await web.get("/v1/rooms/nothing", headers=ada.headers)).json()["code"] == "room_not_found"
    assert (await web.get("/v1/nowhere", headers=ada.headers)).status_code == 404
    assert (await web.head(f"/v1/rooms/{room_id}", headers=ada.headers)).status_code == 200


async def test_what_changes_takes_effect_at_the_next_read(
    web: httpx.AsyncClient, services: Services, person: Any, backend: Any
) -> None:
    ada, eve = await person("ada"), await person("eve")
    room_id = await _room(web, ada)
    path = f"/v1/rooms/{room_id}"

    async def status(somebody: Any, where: str = path) -> int:
        return (await web.get(where, headers=somebody.headers)).status_code

    for somebody in (ada, eve, backend):
        assert [await status(somebody) for _ in range(3)] == [200, 200, 200]
    await web.patch(path, json={"isPrivate": True, "name": "Hidden"}, headers=ada.headers)
    assert await status(eve) == 404
    assert (await web.get(path, headers=ada.headers)).json()["data"]["name"] == "Hidden"
    await web.put(f"{path}/cohosts/{eve.id}", headers=ada.headers)
    assert await status(eve) == 200
    await web.delete(f"{path}/cohosts/{eve.id}", headers=ada.headers)
    assert await status(eve) == 404
    assert await status(eve, "/v1/audit-log") == 403

    key = next(key for key in await services.tenants.keys(backend.id) if key.kind == "secret")
    await services.tenants.revoke_key(key.id)
    assert await status(backend) == 401
    await web.post("/v1/auth/logout", headers=ada.headers)
    assert await status(ada) == 401
    gone = await web.request("DELETE", "/v1/users/me", json={"password": "password of eve"}, headers=eve.headers)
    assert gone.status_code == 200, gone.text
    assert await status(eve, "/v1/rooms") == 401


async def test_a_refused_read_is_recorded_under_the_id_that_its_answer_has(
    web: httpx.AsyncClient, services: Services, person: Any
) -> None:
    ada = await person("ada")
    answer = await web.get("/v1/audit-log", headers=ada.headers)
    assert answer.status_code == 403
    tenant = await services.tenants.default()
    records, _ = await services.audit.page(tenant.id, equal={"action": "audit.read"})  # It is there when one is told.
    assert [record.request_id for record in records] == [answer.headers["x-request-id"]]


async def test_an_expired_token_is_refused_though_it_was_good_a_moment_ago(
    web: httpx.AsyncClient, services: Services, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await person("ada")
    assert (await web.get("/v1/rooms", headers=ada.headers)).status_code == 200
    from rostrum.kit import clock

    later = clock.now_ms() + (services.settings.access_token_seconds + 31) * 1000
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert (await web.get("/v1/rooms", headers=ada.headers)).status_code == 401


async def test_requests_in_one_piece_are_answered_in_order(url: str, person: Any) -> None:
    ada = await person("ada")
    head = "".join(f"{name}: {text}\r\n" for name, text in ada.headers.items())
    reads = "".join(
        f"{method} {path} HTTP/1.1\r\nhost: x\r\n{head}{more}\r\n"
        for method, path, more in (
            ("GET", "/v1/features", ""),
            ("POST", "/v1/nowhere", "content-length: 0\r\n"),
            ("GET", "/v1/rooms/nothing", ""),
            ("GET", "/healthz", ""),
            ("GET", "/v1/rooms", "connection: close\r\n"),
        )
    )
    told = await raw(url, reads)
    assert [part[:3] for part in told.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"404", b"200", b"200"], told
    assert b"connection: close" in told.rpartition(b"HTTP/1.1")[2]


async def test_a_get_with_a_body_and_one_of_http_1_0_are_answered(url: str, person: Any) -> None:
    ada = await person("ada")
    head = "".join(f"{name}: {text}\r\n" for name, text in ada.headers.items())
    told = await raw(url, f"GET /v1/features HTTP/1.1\r\nhost: x\r\n{head}content-length: 3\r\n\r\nabc" * 2)
    assert told.count(b"HTTP/1.1 200 OK") == 2
    told = await raw(url, f"GET /v1/features HTTP/1.0\r\n{head}\r\n")
    assert told.count(b" 200 OK") == 1 and b"connection: close" in told
    told = await raw(url, f"GET /v1/features HTTP/1.1\r\nhost: x\r\n{head}content-length: 99999999\r\n\r\n")
    assert b" 413 " in told


async def test_a_request_in_small_pieces_is_answered_once(url: str, person: Any) -> None:
    ada = await person("ada")
    head = "".join(f"{name}: {text}\r\n" for name, text in ada.headers.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    for char in f"GET /v1/rooms?limit=5 HTTP/1.1\r\nhost: x\r\n{head}\r\n":
        writer.write(char.encode())
        await writer.drain()
        await asyncio.sleep(0)
    told = await asyncio.wait_for(reader.readuntil(b"}"), 10)
    assert told.startswith(b"HTTP/1.1 200 OK")
    writer.close()


async def test_a_try_that_must_wait_leaves_nothing_behind() -> None:
    router = APIRouter()
    calls: list[str] = []

    @router.get("/waits")
    async def waits(request: Request) -> dict[str, Any]:
        calls.append("tried" if quick.trying() else "ordinary")
        quick.must_wait()
        await asyncio.sleep(0.01)
        return {"waited": True, "query": request.query_params.get("q")}

    @router.get("/unannounced")
    async def unannounced() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"waited": True}

    @router.get("/refuses")
    async def refuses() -> dict[str, Any]:
        raise Forbidden("No.")

    @router.get("/breaks")
    async def breaks() -> dict[str, Any]:
        raise ValueError("a secret")

    @router.get("/splits")
    async def splits(response: Response) -> dict[str, Any]:
        response.headers["x-made-up"] = "a\r\nset-cookie: b"
        return {}

    from fastapi import FastAPI
    from rostrum.kit.doors import Doors
    from rostrum.kit.http import install_error_handlers

    rest = FastAPI()
    rest.include_router(router)
    install_error_handlers(rest)
    directory = Directory((route.path, route) for route in router.routes if isinstance(route, APIRoute))
    app = RequestFrame(Doors(rest, directory), max_body_bytes=1000)
    async with listening(app, directory) as url, httpx.AsyncClient(base_url=url) as web:
        assert (await web.get("/waits")).json() == {"waited": True, "query": None}
        assert calls == ["tried", "ordinary"]
        assert (await web.get("/waits?q=1")).json() == {"waited": True, "query": "1"}
        assert calls[2:] == ["ordinary"], "a door that had to wait is tried again at once"
        assert (await web.get("/unannounced")).json() == {"waited": True}
        assert (await web.get("/refuses")).json()["code"] == "forbidden"
        broken = await web.get("/breaks")
        assert broken.status_code == 500 and broken.json()["code"] == "internal" and "secret" not in broken.text
        answers = await asyncio.gather(*(web.get("/waits") for _ in range(20)))
        assert {json.dumps(answer.json()) for answer in answers} == {'{"waited": true, "query": null}'}
        told = await raw(url, "GET /splits HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"\nset-cookie" not in told
