"""Every sensitive route, its success and its failures: one record each, with who, what, when, whence and how."""

import hashlib
from typing import Any

import httpx
import pytest
from rostrum.auth import store
from rostrum.kit import clock
from rostrum.main import App
from rostrum.services import Services
from rostrum.trail import HARMLESS, SENSITIVE

REGISTRATION = {
    "email": "new@example.org", "fName": "N", "lName": "N", "phoneNumber": "12345", "country": "PK",
    "password": "long enough",
}  # fmt: skip
FORM: dict[str, Any] = {"files": {"file": ("a.txt", b"Hello", "text/plain")}}
RESET = "a secret of a link"
CHANGE = {"currentPassword": "password of cy", "newPassword": "another one"}
ROOM = {"name": "A", "type": "webinar"}
MEETING = {"title": "A", "hostId": "{ada_id}", "transcriptEnabled": False}
WRONG_LINK = {"token": "no", "newPassword": "long enough"}

# Method, path and body, who succeeds with them, and the record's resource.
SUCCESSES: list[tuple[str, str, Any, str, str]] = [
    ("POST", "/auth/register", REGISTRATION, "visitor", "user:{new}"),
    ("POST", "/auth/login", {"userName": "ada@example.org", "password": "password of ada"}, "visitor", "user:{ada_id}"),
    ("POST", "/v1/auth/refresh", None, "ada", "user:{ada_id}"),
    ("POST", "/v1/auth/change-password", CHANGE, "cy", "user:{cy_id}"),
    ("POST", "/v1/auth/forgot-password", {"email": "ada@example.org"}, "visitor", ""),
    ("POST", "/v1/auth/reset-password", {"token": RESET, "newPassword": "long enough"}, "visitor", "user:{dee_id}"),
    ("GET", "/v1/users/me/export", None, "ada", "user:{ada_id}"),
    ("DELETE", "/v1/users/me", {"password": "password of eve"}, "eve", "user:{eve_id}"),
    ("POST", "/v1/auth/logout", None, "fay", "user:{fay_id}"),
    ("GET", "/v1/audit-log", None, "boss", ""),
    ("POST", "/room/create", ROOM, "ada", "room:{new}"),
    ("PATCH", "/v1/rooms/{room}", {"name": "B"}, "ada", "room:{room}"),
    ("PUT", "/v1/rooms/{room}/cohosts/{bob_id}", None, "ada", "room:{room}/subject:{bob_id}/role:cohost"),
    ("DELETE", "/v1/rooms/{room}/cohosts/{bob_id}", None, "ada", "room:{room}/subject:{bob_id}/role:viewer"),
    ("POST", "/v1/rooms/{room}/invitations", {"role": "viewer"}, "ada", "room:{room}/role:viewer"),
    ("POST", "/v1/rooms/{room}/guest-token", {"name": "G"}, "visitor", "room:{room}"),
    ("GET", "/v1/rooms/{room}/messages", None, "ada", "room:{room}"),
    ("POST", "/meetings/create", MEETING, "ada", "meeting:{new}"),
    ("POST", "/meetings/update/{meeting}", {"title": "B"}, "ada", "meeting:{meeting}"),
    ("PATCH", "/v1/meetings/{meeting}", {"title": "C"}, "ada", "meeting:{meeting}"),
    ("POST", "/room/{room}/upload", FORM, "ada", "room:{room}/file:{new}"),
    ("GET", "/room/{room}/files/{file}?download=1", None, "ada", "room:{room}/file:{file}"),
    ("DELETE", "/room/{room}/files/{file}", None, "ada", "room:{room}/file:{file}"),
    ("DELETE", "/room/{room}/files", None, "ada", "room:{room}"),
    ("DELETE", "/v1/rooms/{doomed}", None, "ada", "room:{doomed}"),
]  # fmt: skip

# Failures of actions that have begun, and refusals of whoever shows less than is asked for.
FAILURES: list[tuple[str, str, Any, str, str]] = [
    ("POST", "/auth/register", {**REGISTRATION, "email": "ada@example.org"}, "visitor", "email_taken"),
    ("POST", "/auth/login", {"userName": "ada@example.org", "password": "wrong"}, "visitor", "invalid_credentials"),
    ("POST", "/auth/login", {"userName": "no@example.org", "password": "wrong"}, "visitor", "invalid_credentials"),
    ("POST", "/v1/auth/change-password", {**CHANGE, "currentPassword": "no"}, "ada", "wrong_password"),
    ("POST", "/v1/auth/reset-password", WRONG_LINK, "visitor", "invalid_reset_token"),
    ("DELETE", "/v1/users/me", {"password": "no"}, "ada", "wrong_password"),
    ("POST", "/v1/auth/logout", None, "visitor", "user_required"),
    ("GET", "/v1/audit-log", None, "ada", "admin_required"),
    ("POST", "/room/create", ROOM, "visitor", "user_required"),
    ("POST", "/room/create", {**ROOM, "ownerId": "{bob_id}"}, "ada", "forbidden"),
    ("PATCH", "/v1/rooms/{room}", {"name": "B"}, "bob", "forbidden"),
    ("PATCH", "/v1/rooms/{room}", {"name": "B"}, "foreign", "room_not_found"),
    ("PUT", "/v1/rooms/{room}/cohosts/{bob_id}", None, "bob", "forbidden"),
    ("PUT", "/v1/rooms/{room}/cohosts/nobody", None, "ada", "user_not_found"),
    ("DELETE", "/v1/rooms/{room}/cohosts/{bob_id}", None, "bob", "forbidden"),
    ("POST", "/v1/rooms/{room}/invitations", {"role": "host"}, "bob", "forbidden"),
    ("POST", "/v1/rooms/{room}/invitations", {"role": "viewer", "expiresAt": 1}, "ada", "invalid_input"),
    ("POST", "/v1/rooms/nowhere/guest-token", {"name": "G"}, "visitor", "room_not_found"),
    ("GET", "/v1/rooms/nowhere/messages", None, "ada", "room_not_found"),
    ("POST", "/meetings/create", MEETING, "bob", "forbidden"),
    ("POST", "/meetings/update/{meeting}", {"title": "B"}, "bob", "meeting_not_found"),
    ("PATCH", "/v1/meetings/nothing", {"title": "C"}, "ada", "meeting_not_found"),
    ("POST", "/room/{room}/upload", FORM, "foreign", "room_not_found"),
    ("POST", "/room/{room}/upload", {"files": {"file": ("a.exe", b"MZ", "x/y")}}, "ada", "file_type_refused"),
    ("GET", "/room/{room}/files/nothing?download=1", None, "ada", "file_not_found"),
    ("DELETE", "/room/{room}/files/{file}", None, "bob", "forbidden"),
    ("DELETE", "/room/{room}/files", None, "bob", "forbidden"),
    ("DELETE", "/v1/rooms/{doomed}", None, "bob", "forbidden"),
]  # fmt: skip


@pytest.fixture
async def world(services: Services, client: httpx.AsyncClient, person: Any, visitor: Any) -> dict[str, Any]:
    await services.tenants.create("other")
    found: dict[str, Any] = {"visitor": visitor.headers}
    for name in ("ada", "bob", "cy", "dee", "eve", "fay", "boss"):
        someone = await person(name, admin=name == "boss")
        found |= {name: someone.headers, f"{name}_id": someone.id}
    found["foreign"] = (await person("gus", tenant="other")).headers
    for name in ("room", "doomed"):
        made = await client.post("/room/create", json=ROOM, headers=found["ada"])
        found[name] = made.json()["data"]["id"]
    meeting = {"title": "A", "hostId": found["ada_id"], "roomId": found["room"], "transcriptEnabled": False}
    found["meeting"] = (await client.post("/meetings/create", json=meeting, headers=found["ada"])).json()["data"]["_id"]
    uploaded = await client.post(f"/room/{found['room']}/upload", **FORM, headers=found["ada"])
    found["file"] = uploaded.json()["data"]["filename"]
    async with services.db.session() as session:
        digest = hashlib.sha256(RESET.encode()).hexdigest()
        await store.add_reset(session, digest, found["dee_id"], now=clock.now_ms(), expires_at=clock.now_ms() + 60_000)
    return found


async def _call(
    client: httpx.AsyncClient, method: str, path: str, body: Any, headers: dict[str, str], world: dict[str, Any]
) -> httpx.Response:
    if isinstance(body, dict) and "files" not in body:
        filled = {key: value.format(**world) if isinstance(value, str) else value for key, value in body.items()}
        body = {"json": filled}
    return await client.request(method, path.format(**world), **(body or {}), headers=headers)


async def _records(services: Services, answer: httpx.Response) -> list[Any]:
    """What the log has of one request."""
    await services.audit.settle()
    tenant = await services.tenants.default()
    records, _ = await services.audit.page(tenant.id, equal={"request_id": answer.headers["x-request-id"]})
    return list(records)


def _deed(method: str, path: str) -> str:
    """The action of a path in which the names still stand in braces, or what they may stand for."""
    parts = path.partition("?")[0].removeprefix("/v1").split("/")
    [action] = {
        action
        for (verb, pattern), (action, _) in SENSITIVE.items()
        if verb == method
        and len(pattern.split("/")) == len(parts)
        and all(want == part or want[0:1] == "{" for want, part in zip(pattern.split("/"), parts, strict=True))
    }
    return action


async def test_each_success_is_one_record(client: httpx.AsyncClient, services: Services, world: Any) -> None:
    assert {_deed(method, path) for method, path, *_ in SUCCESSES} == {action for action, _ in SENSITIVE.values()}
    for method, path, body, who, resource in SUCCESSES:
        before = clock.now_ms()
        answer = await _call(client, method, path, body, world[who], world)
        assert answer.status_code < 300, (path, answer.text)
        records = [record for record in await _records(services, answer) if record.action == _deed(method, path)]
        assert len(records) == 1, (path, records)
        [record] = records
        assert (record.outcome, record.code, record.address) == ("success", None, "127.0.0.1"), path
        assert before <= record.at <= clock.now_ms()
        if who == "visitor":
            assert record.actor == "" or record.actor.startswith("guest:") or f"user:{record.actor}" == record.resource
        else:
            assert record.actor == world[f"{who}_id"]
        if "{new}" in resource:
            assert record.resource.startswith(resource.format(**world, new="")), record.resource
            assert record.resource != resource.format(**world, new="")
        else:
            assert record.resource == resource.format(**world)


async def test_each_failure_is_one_record(client: httpx.AsyncClient, services: Services, world: Any) -> None:
    other = await services.tenants.get("other")
    for method, path, body, who, code in FAILURES:
        answer = await _call(client, method, path, body, world[who], world)
        assert answer.json()["code"] == code, (path, answer.text)
        records = await _records(services, answer)
        if who == "foreign":
            assert records == []  # Nobody of this tenant has done it.
            found, _ = await services.audit.page(other.id, equal={"request_id": answer.headers["x-request-id"]})
            records = list(found)
        assert [(record.action, record.outcome, record.code) for record in records] == [
            (_deed(method, path), "failure", code)
        ], path
        if who not in ("visitor", "foreign"):
            assert records[0].actor == world[f"{who}_id"]


async def test_a_refusal_at_the_door_is_one_record_where_a_tenant_is_known(
    client: httpx.AsyncClient, services: Services, world: Any
) -> None:
    tenant = await services.tenants.default()
    revoked = await services.tenants.create_key(tenant.id, "secret", "old")
    await services.tenants.revoke_key(revoked.id)
    key = world["visitor"]["x-api-key"]
    ids = {"room_id": "r", "user_id": "u", "meeting_id": "m", "filename": "f"}
    callers = (
        ({"x-api-key": key, "authorization": "Bearer no.such.token"}, "invalid_token", ""),
        ({"x-api-key": revoked.key}, "invalid_api_key", f"key:{revoked.id}"),
    )
    for number, ((method, path), (action, resource)) in enumerate(SENSITIVE.items()):
        named = {name: f"{value}{number}" for name, value in ids.items()}
        url = "/v1" + path.format(**named)
        for headers, code, actor in callers:
            answer = await client.request(method, url, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, code)
            records = [
                (record.action, record.code, record.actor, record.resource, record.outcome, record.address)
                for record in await _records(services, answer)
            ]
            expected = (action, code, actor, resource.format(**named), "failure", "127.0.0.1")
            assert records == [expected], (method, path)
        # A key that is nobody's belongs to no log that anybody may read.
        answer = await client.request(method, url, headers={"x-api-key": "rk_pub_wrong"})
        assert answer.status_code == 401
        assert await _records(services, answer) == []


async def test_every_route_is_either_sensitive_or_harmless(client: httpx.AsyncClient, app: App) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    routes = {(method.upper(), path.removeprefix("/v1")) for path, operations in paths.items() for method in operations}
    assert routes == SENSITIVE.keys() | HARMLESS
    assert not SENSITIVE.keys() & HARMLESS


async def test_the_same_refusal_is_recorded_once_a_minute(
    client: httpx.AsyncClient, services: Services, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    tenant = await services.tenants.default()
    for minute in range(2):
        for _ in range(5):
            answer = await client.patch(f"/v1/rooms/{world['room']}", json={"name": "B"}, headers=world["bob"])
            assert answer.status_code == 403
        for number in range(130):
            await client.patch(f"/v1/rooms/r{number}", json={"name": "B"}, headers=world["visitor"])
        await services.audit.settle()
        records, _ = await services.audit.page(tenant.id, equal={"outcome": "failure"}, limit=1000)
        assert len([record for record in records if record.actor == world["bob_id"]]) == minute + 1
        # A stranger with the publishable key, which stands in every page, fills no disk.
        assert len(records) == 120 * (minute + 1)
        now += 61
