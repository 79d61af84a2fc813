"""Every REST route with everybody who may call it. A route without its row fails here."""

from typing import Any

import httpx
import pytest
from rostrum.main import App
from rostrum.services import Services
from rostrum.settings import Settings

REGISTRATION = {
    "email": "new@example.org", "fName": "N", "lName": "N", "phoneNumber": "12345", "country": "PK",
    "password": "long enough",
}  # fmt: skip
LOGIN = {"userName": "ada@example.org", "password": "password of ada"}
NEW_PASSWORD = {"currentPassword": "wrong", "newPassword": "long enough"}
ROOM = {"name": "A", "type": "webinar"}

FORM = {"files": {"file": ("a.txt", b"Hello", "text/plain")}}

MEETING = {"title": "A", "hostId": "{owner_id}", "transcriptEnabled": False}

# Who calls: nobody, a wrong key, the publishable key alone; then guests of the public room: by a guest's token, invited
# as viewer, co-host, host; another tenant's user and admin; another user, the owner, an admin, the tenant's backend.
CALLERS = (
    "nobody", "wrong", "visitor", "guest", "viewer", "cohost", "host", "stranger", "foreign", "other", "owner", "admin",
    "backend",
)  # fmt: skip

# Route, body, and the answer to each caller. {public} and {private} are the owner's rooms, {meeting} is the owner's.
# What stands in braces is filled in, in bodies too; PARAMETERS tells how the routes call it.
PARAMETERS = {
    "public": "room_id",
    "private": "room_id",
    "meeting": "meeting_id",
    "user": "user_id",
    "owner_id": "user_id",
    "file": "filename",
    "hidden": "filename",
}
# Each status stands for one of CALLERS, in their order.
ROWS: list[tuple[str, str, Any, str]] = [
    ("GET", "/healthz", None,
     "200 200 200 200 200 200 200 200 200 200 200 200 200"),
    ("GET", "/readyz", None,
     "503 503 503 503 503 503 503 503 503 503 503 503 503"),  # No media worker runs in this test.
    ("POST", "/auth/register", REGISTRATION,
     "401 401 201 409 409 409 409 201 409 409 409 409 409"),
    ("POST", "/auth/login", LOGIN,
     "401 401 200 200 200 200 200 401 401 200 200 200 200"),
    ("GET", "/v1/features", None,
     "401 401 200 200 200 200 200 200 200 200 200 200 200"),
    ("POST", "/v1/auth/refresh", None,
     "401 401 401 401 401 401 401 200 200 200 200 200 401"),
    ("POST", "/v1/auth/change-password", NEW_PASSWORD,
     "401 401 401 401 401 401 401 403 403 403 403 403 401"),
    ("POST", "/v1/auth/forgot-password", {"email": "ada@example.org"},
     "401 401 200 200 200 200 200 200 200 200 200 200 200"),
    ("POST", "/v1/auth/reset-password", {"token": "wrong", "newPassword": "long enough"},
     "401 401 400 400 400 400 400 400 400 400 400 400 400"),
    ("GET", "/v1/users/me", None,
     "401 401 401 401 401 401 401 200 200 200 200 200 401"),
    ("GET", "/v1/users/me/export", None,
     "401 401 401 401 401 401 401 200 200 200 200 200 401"),
    ("DELETE", "/v1/users/me", {"password": "wrong"},
     "401 401 401 401 401 401 401 403 403 403 403 403 401"),
    ("GET", "/v1/audit-log", None,
     "401 401 401 401 401 401 401 403 200 403 403 200 200"),
    ("POST", "/room/create", ROOM,
     "401 401 401 401 401 401 401 201 201 201 201 201 201"),
    ("GET", "/v1/rooms/{public}", None,
     "401 401 200 200 200 200 200 404 404 200 200 200 200"),
    ("GET", "/v1/rooms/{private}", None,
     "401 401 404 404 404 404 404 404 404 404 200 200 200"),
    ("GET", "/v1/rooms", None,
     "401 401 401 401 401 401 401 200 200 200 200 200 200"),
    ("PATCH", "/v1/rooms/{public}", {"name": "B"},
     "401 401 401 401 401 401 401 404 404 403 200 200 200"),
    ("PATCH", "/v1/rooms/{private}", {"name": "B"},
     "401 401 401 401 401 401 401 404 404 404 200 200 200"),
    ("PUT", "/v1/rooms/{public}/cohosts/{user}", None,
     "401 401 401 401 401 401 401 404 404 403 200 200 200"),
    ("PUT", "/v1/rooms/{private}/cohosts/{user}", None,
     "401 401 401 401 401 401 401 404 404 404 200 200 200"),
    ("DELETE", "/v1/rooms/{public}/cohosts/{user}", None,
     "401 401 401 401 401 401 401 404 404 403 204 204 204"),
    # The other user has become a co-host by now, so the room is no secret any more.
    ("DELETE", "/v1/rooms/{private}/cohosts/{user}", None,
     "401 401 401 401 401 401 401 404 404 403 204 204 204"),
    ("POST", "/v1/rooms/{public}/invitations", {"role": "viewer"},
     "401 401 401 403 403 403 201 404 404 403 201 201 201"),
    ("POST", "/v1/rooms/{private}/invitations", {"role": "viewer"},
     "401 401 401 404 404 404 404 404 404 404 201 201 201"),
    ("POST", "/v1/rooms/{public}/guest-token", {"name": "G"},
     "401 401 201 201 201 201 201 404 404 201 201 201 201"),
    ("POST", "/v1/rooms/{private}/guest-token", {"name": "G"},
     "401 401 404 404 404 404 404 404 404 404 404 404 404"),
    ("GET", "/v1/rooms/{public}/messages", None,
     "401 401 401 200 200 200 200 404 404 200 200 200 200"),
    ("GET", "/v1/rooms/{private}/messages", None,
     "401 401 401 404 404 404 404 404 404 404 200 200 200"),
    ("POST", "/meetings/create", MEETING,
     "401 401 401 401 401 401 401 403 404 403 201 201 201"),
    ("POST", "/meetings/update/{meeting}", {"userId": "{owner_id}"},
     "401 401 401 401 401 401 401 403 404 403 204 204 204"),
    ("GET", "/meetings/list/{owner_id}", None,
     "401 401 401 401 401 401 401 404 404 404 200 200 200"),
    ("GET", "/v1/meetings/{meeting}", None,
     "401 401 401 401 401 401 401 404 404 404 200 200 200"),
    ("PATCH", "/v1/meetings/{meeting}", {"userId": "{owner_id}"},
     "401 401 401 401 401 401 401 403 404 403 200 200 200"),
    ("POST", "/room/{public}/upload", FORM,
     "401 401 401 200 200 200 200 404 404 200 200 200 200"),
    ("POST", "/room/{private}/upload", FORM,
     "401 401 401 404 404 404 404 404 404 404 200 200 200"),
    ("GET", "/room/{public}/files", None,
     "401 401 401 200 200 200 200 404 404 200 200 200 200"),
    ("GET", "/room/{private}/files", None,
     "401 401 401 404 404 404 404 404 404 404 200 200 200"),
    ("GET", "/room/{public}/files/{file}", None,
     "401 401 401 200 200 200 200 404 404 200 200 200 200"),
    ("GET", "/room/{private}/files/{hidden}", None,
     "401 401 401 404 404 404 404 404 404 404 200 200 200"),
    ("DELETE", "/room/{public}/files/{file}", None,
     "401 401 401 403 403 403 200 404 404 404 404 404 404"),
    ("DELETE", "/room/{private}/files/{hidden}", None,
     "401 401 401 404 404 404 404 404 404 404 200 404 404"),
    ("DELETE", "/room/{public}/files", None,
     "401 401 401 403 403 403 200 404 404 403 200 200 200"),
    ("DELETE", "/room/{private}/files", None,
     "401 401 401 404 404 404 404 404 404 404 200 200 200"),
    # Last, since afterwards they are gone.
    ("DELETE", "/v1/rooms/{public}", None,
     "401 401 401 401 401 401 401 404 404 403 204 404 404"),
    ("DELETE", "/v1/rooms/{private}", None,
     "401 401 401 401 401 401 401 404 404 404 204 404 404"),
    # The last one: nobody's token counts after it.
    ("POST", "/v1/auth/logout", None,
     "401 401 401 401 401 401 401 200 200 200 200 200 401"),
]  # fmt: skip


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As many tries as there are callers."""
    return settings.model_copy(update={"forgot_limit_account": "1000/hour", "reset_limit_address": "1000/hour"})


@pytest.fixture
async def world(
    services: Services, client: httpx.AsyncClient, person: Any, visitor: Any, backend: Any
) -> dict[str, Any]:
    await services.tenants.create("other")
    owner = await person("ada")
    rooms = {}
    for name, private in (("public", False), ("private", True)):
        made = await client.post("/room/create", json={**ROOM, "isPrivate": private}, headers=owner.headers)
        rooms[name] = made.json()["data"]["id"]
    path = f"/v1/rooms/{rooms['public']}"
    tokens = {}
    for role in ("viewer", "cohost", "host"):
        invited = await client.post(f"{path}/invitations", json={"role": role}, headers=owner.headers)
        tokens[role] = invited.json()["data"]["token"]
    guest = await client.post(f"{path}/guest-token", json={"name": "G"}, headers=visitor.headers)
    tokens["guest"] = guest.json()["data"]["token"]
    meeting = {**MEETING, "hostId": owner.id, "roomId": rooms["public"]}
    made = await client.post("/meetings/create", json=meeting, headers=owner.headers)
    other = await person("bob")
    names = {}
    for name, room in (("file", rooms["public"]), ("hidden", rooms["private"])):
        uploaded = await client.post(f"/room/{room}/upload", **FORM, headers=owner.headers)
        names[name] = uploaded.json()["data"]["filename"]
    return {
        **rooms,
        **names,
        "owner_id": owner.id,
        "user": other.id,
        "meeting": made.json()["data"]["_id"],
        "nobody": {},
        "wrong": {"x-api-key": "rk_secret_wrong"},
        "visitor": visitor.headers,
        **{role: {**visitor.headers, "authorization": f"Bearer {token}"} for role, token in tokens.items()},
        "stranger": (await person("mallory", tenant="other")).headers,
        "foreign": (await person("eve", tenant="other", admin=True)).headers,
        "other": other.headers,
        "owner": owner.headers,
        "admin": (await person("boss", admin=True)).headers,
        "backend": backend.headers,
    }


def _filled(body: Any, world: dict[str, Any]) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: value.format(**world) if isinstance(value, str) else value for name, value in body.items()}


async def test_every_route_and_caller(client: httpx.AsyncClient, world: dict[str, Any]) -> None:
    answers = {}
    for method, path, body, _ in ROWS:
        url = path.format(**world)
        sent = FORM if body is FORM else {"json": _filled(body, world)}
        got = [await client.request(method, url, **sent, headers=world[caller]) for caller in CALLERS]
        answers[method, path] = " ".join(str(answer.status_code) for answer in got)
        for answer in got:
            if answer.status_code != 204:
                assert answer.json().get("success", True) is (answer.status_code < 400)
    assert answers == {(method, path): expected for method, path, _, expected in ROWS}


async def test_every_route_has_its_row(client: httpx.AsyncClient, app: App) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    routes = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    names = {name: f"{{{parameter}}}" for name, parameter in PARAMETERS.items()}
    rows = {(method, path.format(**names)) for method, path, _, _ in ROWS}
    unversioned = {(method, path) for method, path in routes if not path.startswith("/v1/")}
    # A documented path exists under /v1 as well, with the same handler; its row stands for both.
    health = {("GET", "/healthz"), ("GET", "/readyz")}
    assert {(method, f"/v1{path}") for method, path in unversioned - health} <= routes
    assert routes - {(method, f"/v1{path}") for method, path in unversioned} == rows
