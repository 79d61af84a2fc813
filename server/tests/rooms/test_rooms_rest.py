"""Rooms over REST: the documented answer, ownership, invitations, guests."""

import time
from typing import Any

import httpx
import pytest
from rostrum.services import Services


async def _room(client: httpx.AsyncClient, who: Any, **extra: Any) -> dict[str, Any]:
    body = {"name": "Haseeb Asif", "type": "conference", **extra}
    answer = await client.post("/room/create", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_creates_as_documented(client: httpx.AsyncClient, person: Any, services: Services, prefix: str) -> None:
    ada = await person("ada")
    body = {"name": "Haseeb Asif", "type": "conference", "p2p": True, "maxParticipants": 9, "isPrivate": False}
    answer = await client.post(f"{prefix}/room/create", json=body, headers=ada.headers)
    assert answer.status_code == 201
    room_id = answer.json()["data"]["id"]
    assert answer.json() == {
        "success": True,
        "data": {
            "id": room_id,
            "name": "Haseeb Asif",
            "type": "conference",
            "p2p": True,
            "maxParticipants": 2,
            "isPrivate": False,
            "joinUrl": f"http://localhost:21900/join/{room_id}#k={ada.headers['x-api-key']}",
        },
        "msg": "Room created Successfully!",
    }


async def test_is_not_p2p_unless_asked(client: httpx.AsyncClient, person: Any) -> None:
    room = await _room(client, await person("ada"))
    assert (room["p2p"], room["maxParticipants"], room["isPrivate"]) == (False, None, False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "party"),
        ("type", None),
        ("name", " "),
        ("name", "x" * 101),
        ("maxParticipants", 0),
        ("maxParticipants", "many"),
        ("maxParticipants", 1.5),
        ("isPrivate", "perhaps"),
    ],
)
async def test_names_the_invalid_field(client: httpx.AsyncClient, person: Any, field: str, value: object) -> None:
    body = {"name": "A", "type": "webinar", field: value}
    answer = await client.post("/room/create", json=body, headers=(await person("ada")).headers)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_publishable_key_alone_makes_no_room(client: httpx.AsyncClient, visitor: Any) -> None:
    answer = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=visitor.headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "user_required"


async def test_only_the_backend_and_admins_make_rooms_for_others(
    client: httpx.AsyncClient, person: Any, backend: Any, services: Services
) -> None:
    ada, boss = await person("ada"), await person("boss", admin=True)
    eve = await person("eve")
    for who in (backend, boss):
        room = await _room(client, who, ownerId=ada.id)
        owned = await services.rooms.get(
            await services.auth.authenticate(ada.headers["x-api-key"], ada.token), room["id"]
        )
        assert owned.owner_id == ada.id
    body = {"name": "A", "type": "webinar", "ownerId": ada.id}
    assert (await client.post("/room/create", json=body, headers=eve.headers)).status_code == 403
    body["ownerId"] = "0" * 24
    assert (await client.post("/room/create", json=body, headers=backend.headers)).status_code == 404


async def test_public_facts(client: httpx.AsyncClient, person: Any, visitor: Any, services: Services) -> None:
    room = await _room(client, await person("ada"))
    answer = await client.get(f"/v1/rooms/{room['id']}", headers=visitor.headers)
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "id": room["id"],
        "name": "Haseeb Asif",
        "type": "conference",
        "isPrivate": False,
        "live": False,
    }
    assert (await client.get(f"/rooms/{room['id']}", headers=visitor.headers)).status_code == 404


async def test_a_private_room_is_hidden_from_others(
    client: httpx.AsyncClient, person: Any, visitor: Any, backend: Any, services: Services
) -> None:
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    room = await _room(client, ada, isPrivate=True)
    hidden = await client.get(f"/v1/rooms/{room['id']}", headers=bob.headers)
    absent = await client.get(f"/v1/rooms/{'0' * 24}", headers=bob.headers)
    assert hidden.status_code == absent.status_code == 404
    assert {**hidden.json(), "requestId": ""} == {**absent.json(), "requestId": ""}
    assert (await client.get(f"/v1/rooms/{room['id']}", headers=visitor.headers)).status_code == 404
    for who in (ada, boss, backend):
        assert (await client.get(f"/v1/rooms/{room['id']}", headers=who.headers)).status_code == 200
    guest = await client.post(f"/v1/rooms/{room['id']}/guest-token", json={"name": "G"}, headers=visitor.headers)
    assert guest.status_code == 404


async def test_another_tenants_room_is_not_there(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    await services.tenants.create("other")
    room = await _room(client, await person("ada"))
    eve, boss = await person("eve", tenant="other"), await person("boss", tenant="other", admin=True)
    for who in (eve, boss):
        for method, path, body in (
            ("GET", "", None),
            ("POST", "/invitations", {"role": "host"}),
            ("POST", "/guest-token", {"name": "E"}),
        ):
            answer = await client.request(method, f"/v1/rooms/{room['id']}{path}", json=body, headers=who.headers)
            assert answer.status_code == 404, (method, path)
            assert answer.json()["code"] == "room_not_found"


async def test_only_hosts_invite(client: httpx.AsyncClient, person: Any, visitor: Any, backend: Any) -> None:
    ada, bob = await person("ada"), await person("bob")
    room = await _room(client, ada)
    path = f"/v1/rooms/{room['id']}/invitations"
    assert (await client.post(path, json={"role": "viewer"}, headers=bob.headers)).status_code == 403
    # A publishable key alone is nobody yet.
    assert (await client.post(path, json={"role": "viewer"}, headers=visitor.headers)).status_code == 401
    for who in (ada, backend):
        answer = await client.post(path, json={"role": "cohost", "name": "Carl"}, headers=who.headers)
        assert answer.status_code == 201
        data = answer.json()["data"]
        assert data["role"] == "cohost"
        assert data["url"] == f"{room['joinUrl']}&t={data['token']}"
        assert data["expiresAt"].endswith("Z")
    assert (await client.post(path, json={"role": "king"}, headers=ada.headers)).status_code == 400


async def test_an_invitation_ends_when_it_says(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    path = f"/v1/rooms/{(await _room(client, ada))['id']}/invitations"
    end = int(time.time() * 1000) + 3_600_000
    answer = await client.post(path, json={"role": "viewer", "expiresAt": end}, headers=ada.headers)
    assert answer.status_code == 201
    for bad in (end - 7_200_000, end * 2, "2020-01-01T00:00:00Z", "soon", True, -5):
        answer = await client.post(path, json={"role": "viewer", "expiresAt": bad}, headers=ada.headers)
        assert answer.status_code == 400, bad
        assert answer.json()["errors"][0]["field"] == "expiresAt"


async def test_a_guest_gets_a_viewers_token(
    client: httpx.AsyncClient, person: Any, visitor: Any, services: Services
) -> None:
    room = await _room(client, await person("ada"))
    answer = await client.post(f"/v1/rooms/{room['id']}/guest-token", json={"name": "Gus"}, headers=visitor.headers)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["role"] == "viewer"
    guest = await services.auth.authenticate_socket(visitor.headers["x-api-key"], data["token"])
    admission = await services.rooms.admit(guest, room["id"], name=None)
    assert (admission.role, admission.display_name) == ("viewer", "Gus")
