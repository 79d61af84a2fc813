"""The examples that the product's owner wrote down, sent as they stand there: same fields, same types, same status."""

import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"[0-9a-f]{24}")

REGISTRATION = {
    "email": "haseeb@altegon.com",
    "fName": "Haseeb",
    "lName": "Asif",
    "phoneNumber": "923085000453",
    "country": "Pakistan",
    "password": "AB1239001",
}


@pytest.fixture(params=["", "/v1"])
def prefix(request: pytest.FixtureRequest) -> str:
    """Each path exists twice."""
    return str(request.param)


def _like(value: Any, example: Any, where: str = "") -> None:
    """All that the example has is there, and of its type; ids and times have its form."""
    if isinstance(example, dict):
        assert isinstance(value, dict), where
        for name, one in example.items():
            assert name in value, f"{where}.{name}"
            _like(value[name], one, f"{where}.{name}")
    elif isinstance(example, list):
        assert isinstance(value, list), where
        for one in value:
            _like(one, example[0] if example else one, f"{where}[]")
    elif isinstance(example, re.Pattern):
        assert isinstance(value, str) and example.fullmatch(value), (where, value)
    elif isinstance(example, bool | int):
        assert type(value) is type(example), where
    else:
        assert isinstance(value, type(example)), where


async def test_every_example(client: httpx.AsyncClient, visitor: Any, backend: Any, prefix: str) -> None:
    key = dict(visitor.headers)
    made = await client.post(f"{prefix}/auth/register", json=REGISTRATION, headers=key)
    assert made.status_code == 201
    user_id = made.json()["data"]["user"]["_id"]
    assert ID.fullmatch(user_id)
    user = {"fName": "Haseeb", "lName": "Asif", "email": "haseeb@altegon.com", "_id": user_id}
    assert made.json() == {"success": True, "message": "User created successfully", "data": {"user": user}}
    assert (await client.post(f"{prefix}/auth/register", json=REGISTRATION, headers=key)).status_code == 409
    assert (await client.post(f"{prefix}/auth/register", json=REGISTRATION)).status_code == 401

    login = {"userName": "haseeb@altegon.com", "password": "AB1239001"}
    done = await client.post(f"{prefix}/auth/login", json=login, headers=key)
    assert done.status_code == 200
    _like(
        done.json(),
        {"success": True, "message": "", "data": {"token": "", "tokenType": "", "expiresIn": 1, "user": user}},
    )
    wrong = await client.post(f"{prefix}/auth/login", json={**login, "password": "x"}, headers=key)
    assert wrong.status_code == 401
    mine = {**key, "authorization": f"Bearer {done.json()['data']['token']}"}

    wish = {"name": "Haseeb Asif", "type": "conference", "maxParticipants": 2, "isPrivate": False, "p2p": True}
    made = await client.post(f"{prefix}/room/create", json=wish, headers=mine)
    assert made.status_code == 201
    room = made.json()["data"]["id"]
    assert ID.fullmatch(room)
    assert made.json()["msg"] == "Room created Successfully!"
    _like(made.json(), {"success": True, "data": {"id": ID, "name": "", "type": "", "p2p": True}, "msg": ""})
    assert {**made.json()["data"], "name": "Haseeb Asif", "type": "conference", "p2p": True} == made.json()["data"]

    meeting = {"title": "dsa", "hostId": user_id, "transcriptEnabled": False}
    made = await client.post(f"{prefix}/meetings/create", json=meeting, headers=mine)
    assert made.status_code == 201
    meeting_id = made.json()["data"]["_id"]
    documented = {
        "createdAt": TIME, "hostId": user_id, "recordingIds": [], "summaryGenerated": False, "title": "dsa",
        "transcriptEnabled": False, "_id": ID,
    }  # fmt: skip
    _like(made.json(), {"success": True, "data": documented, "msg": ""})
    change = {
        "title": "Test Meeting", "transcriptEnabled": False, "summaryGenerated": False, "roomId": room,
        "recordingId": "1737978989992_59591",
    }  # fmt: skip
    for who, body in ((mine, change), (backend.headers, {**change, "userId": user_id})):
        changed = await client.post(f"{prefix}/meetings/update/{meeting_id}", json=body, headers=who)
        assert (changed.status_code, changed.content) == (204, b"")
    none = await client.post(f"{prefix}/meetings/update/{'0' * 24}", json=change, headers=mine)
    assert none.status_code == 404
    listed = await client.get(f"{prefix}/meetings/list/{user_id}", headers=mine)
    assert listed.status_code == 200
    assert set(listed.json()) == {"data"}
    _like(listed.json(), {"data": [{**documented, "recordingIds": [""]}]})
    assert listed.json()["data"][0]["recordingIds"] == ["1737978989992_59591"]

    for name in ("Document_72835505.docx", "ZekliOpenAPI-for Customers - Instant.docx"):
        form = {"file": (name, b"PK\x03\x04" + b"x" * 27_681)}
        sent = await client.post(f"{prefix}/room/{room}/upload", files=form, headers=mine)
        assert sent.status_code == 200
        filename, path = f"{room}_{name}", f"documents/{room}/{room}_{name}"
        file = {"originalName": name, "filename": filename, "size": 27_685, "roomId": room, "path": path}
        assert sent.json() == {"success": True, "data": file, "msg": "File uploaded successfully!"}
        got = await client.get(f"{prefix}/room/{room}/files/{quote(filename)}", headers=mine)
        assert got.status_code == 200
        date = got.json()["data"]["uploadDate"]
        assert TIME.fullmatch(date)
        known = {"filename": filename, "originalName": name, "size": 27_685, "uploadDate": date, "path": path}
        assert got.json() == {"success": True, "data": known, "msg": "File retrieved successfully!"}
    assert (await client.get(f"{prefix}/room/{room}/files/{room}_none.docx", headers=mine)).status_code == 404
    assert (await client.post(f"{prefix}/room/{room}/upload", headers=mine)).status_code == 415
    gone = await client.delete(f"{prefix}/room/{room}/files", headers=mine)
    assert (gone.status_code, gone.json()["data"]) == (200, {"deletedCount": 2})
    assert (await client.delete(f"{prefix}/room/{'0' * 24}/files", headers=mine)).status_code == 404

    features = await client.get("/v1/features", headers=key)
    _like(features.json(), {"success": True, "data": {"package": "", "features": {"chat": True}}, "msg": ""})
