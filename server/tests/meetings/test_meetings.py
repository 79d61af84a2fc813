"""Meetings over REST: the documented answers, who may, aliases, pages."""

import asyncio
from typing import Any

import httpx
import pytest
from rostrum.services import Services

RECORDING = "1737978989992_59591"


async def _meeting(client: httpx.AsyncClient, who: Any, **extra: Any) -> dict[str, Any]:
    body = {"title": "dsa", "hostId": who.id, "transcriptEnabled": False, **extra}
    answer = await client.post("/meetings/create", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def _room(client: httpx.AsyncClient, who: Any, **extra: Any) -> str:
    answer = await client.post("/room/create", json={"name": "R", "type": "meeting", **extra}, headers=who.headers)
    return str(answer.json()["data"]["id"])


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_creates_as_documented(client: httpx.AsyncClient, person: Any, prefix: str) -> None:
    ada = await person("ada")
    body = {"title": "dsa", "hostId": ada.id, "transcriptEnabled": False}
    answer = await client.post(f"{prefix}/meetings/create", json=body, headers=ada.headers)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert len(data["_id"]) == 24
    assert int(data["_id"], 16)
    assert data["createdAt"].endswith("Z")
    assert answer.json() == {
        "success": True,
        "data": {
            "_id": data["_id"],
            "title": "dsa",
            "hostId": ada.id,
            "roomId": data["roomId"],
            "transcriptEnabled": False,
            "summaryGenerated": False,
            "recordingIds": [],
            "scheduledAt": None,
            "durationMinutes": None,
            "createdAt": data["createdAt"],
        },
        "msg": "Meeting created successfully!",
    }


async def test_makes_a_webinars_room_of_the_host(
    client: httpx.AsyncClient, person: Any, backend: Any, services: Services
) -> None:
    ada = await person("ada")
    for who in (ada, backend):
        answer = await client.post(
            "/meetings/create",
            json={"title": "T" * 200, "hostId": ada.id, "transcriptEnabled": True},
            headers=who.headers,
        )
        owner = await services.auth.authenticate(ada.headers["x-api-key"], ada.token)
        room = await services.rooms.get(owner, answer.json()["data"]["roomId"])
        assert (room.type, room.owner_id, room.name, room.is_private) == ("webinar", ada.id, "T" * 100, False)


async def test_takes_a_room_and_a_time(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    room = await _room(client, ada)
    meeting = await _meeting(client, ada, room_id=room, scheduledAt=1760447289559, durationMinutes=45)
    assert (meeting["roomId"], meeting["durationMinutes"]) == (room, 45)
    assert meeting["scheduledAt"] == "2025-10-14T13:08:09.559Z"
    meeting = await _meeting(client, ada, scheduledAt="2025-10-14T15:08:09.559+02:00")
    assert meeting["scheduledAt"] == "2025-10-14T13:08:09.559Z"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", None),
        ("title", "  "),
        ("title", "x" * 201),
        ("title", "a\x00b"),
        ("hostId", None),
        ("hostId", 7),
        ("hostId", "a b"),
        ("transcriptEnabled", None),
        ("transcriptEnabled", "yes"),
        ("scheduledAt", "soon"),
        ("scheduledAt", -1),
        ("durationMinutes", 0),
        ("durationMinutes", 1.5),
    ],
)
async def test_names_the_invalid_field(client: httpx.AsyncClient, person: Any, field: str, value: object) -> None:
    ada = await person("ada")
    body = {"title": "dsa", "hostId": ada.id, "transcriptEnabled": False, field: value}
    answer = await client.post("/meetings/create", json=body, headers=ada.headers)
    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [field]


async def test_who_may_host(client: httpx.AsyncClient, person: Any, backend: Any, services: Services) -> None:
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    await services.tenants.create("other")
    eve = await person("eve", tenant="other")
    body = {"title": "dsa", "hostId": ada.id, "transcriptEnabled": False}
    for who, host, status in (
        (ada, ada, 201), (bob, ada, 403), (boss, ada, 201), (backend, ada, 201), (eve, ada, 403), (boss, eve, 404),
        (backend, eve, 404),
    ):  # fmt: skip
        answer = await client.post("/meetings/create", json={**body, "hostId": host.id}, headers=who.headers)
        assert answer.status_code == status, (who.email, host.email)


async def test_a_room_must_be_ones_own(client: httpx.AsyncClient, person: Any, backend: Any) -> None:
    ada, bob = await person("ada"), await person("bob")
    public, private = await _room(client, ada), await _room(client, ada, isPrivate=True)
    mine = await _meeting(client, bob)
    body = {"title": "dsa", "hostId": bob.id, "transcriptEnabled": False}
    for room, status in ((public, 403), (private, 404), ("0" * 24, 404), ("no room", 400)):
        answer = await client.post("/meetings/create", json={**body, "roomId": room}, headers=bob.headers)
        assert answer.status_code == status, room
        path = f"/meetings/update/{mine['_id']}"
        assert (await client.post(path, json={"roomId": room}, headers=bob.headers)).status_code == status
    answer = await client.post("/meetings/create", json={**body, "roomId": private}, headers=backend.headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_updates_as_documented(client: httpx.AsyncClient, person: Any, prefix: str) -> None:
    ada = await person("ada")
    meeting, room = await _meeting(client, ada, transcriptEnabled=True), await _room(client, ada)
    body = {
        "title": "Test Meeting",
        "transcriptEnabled": False,
        "summaryGenerated": False,
        "roomId": room,
        "recordingId": RECORDING,
    }
    for _ in range(2):
        answer = await client.post(f"{prefix}/meetings/update/{meeting['_id']}", json=body, headers=ada.headers)
        assert (answer.status_code, answer.content) == (204, b"")
    after = (await client.get(f"/v1/meetings/{meeting['_id']}", headers=ada.headers)).json()["data"]
    changed = {"title": "Test Meeting", "transcriptEnabled": False, "roomId": room, "recordingIds": [RECORDING]}
    assert after == {**meeting, **changed}


async def test_a_patch_answers_the_meeting(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    meeting = await _meeting(client, ada)
    path = f"/v1/meetings/{meeting['_id']}"
    answer = await client.patch(path, json={"summaryGenerated": True, "userID": ada.id}, headers=ada.headers)
    assert answer.json() == {
        "success": True,
        "data": {**meeting, "summaryGenerated": True},
        "msg": "Meeting updated successfully!",
    }
    assert (await client.patch(path, json={}, headers=ada.headers)).json() == answer.json()


async def test_recordings_are_appended_once_each(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    path = f"/v1/meetings/{(await _meeting(client, ada))['_id']}"
    ids = [f"{1737978989992 + number % 10}_1" for number in range(30)]
    answers = await asyncio.gather(
        *(client.patch(path, json={"recordingId": item}, headers=ada.headers) for item in ids)
    )
    assert {answer.status_code for answer in answers} == {200}
    kept = (await client.get(path, headers=ada.headers)).json()["data"]["recordingIds"]
    assert sorted(kept) == sorted(set(ids))


async def test_a_secret_key_says_on_whose_behalf(client: httpx.AsyncClient, person: Any, backend: Any) -> None:
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    path = f"/meetings/update/{(await _meeting(client, ada))['_id']}"
    without = await client.post(path, json={"title": "B"}, headers=backend.headers)
    assert without.status_code == 400
    assert [error["field"] for error in without.json()["errors"]] == ["userId"]
    for user, status in ((ada.id, 204), (bob.id, 404), (boss.id, 204), ("0" * 24, 404)):
        answer = await client.post(path, json={"title": "B", "userId": user}, headers=backend.headers)
        assert answer.status_code == status


async def test_a_user_is_only_oneself(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    await services.tenants.create("other")
    eve = await person("eve", tenant="other", admin=True)
    meeting_id = (await _meeting(client, ada))["_id"]
    for who, user, status in (
        (ada, ada, 204), (ada, bob, 403), (bob, bob, 404), (bob, ada, 403), (boss, ada, 204), (boss, boss, 204),
        (eve, ada, 404), (eve, eve, 404),
    ):  # fmt: skip
        body = {"title": "C", "userId": user.id}
        answer = await client.post(f"/meetings/update/{meeting_id}", json=body, headers=who.headers)
        assert answer.status_code == status, (who.email, user.email)


async def test_somebody_elses_is_as_what_is_not(client: httpx.AsyncClient, person: Any) -> None:
    ada, bob = await person("ada"), await person("bob")
    meeting_id = (await _meeting(client, ada))["_id"]
    hidden = await client.get(f"/v1/meetings/{meeting_id}", headers=bob.headers)
    absent = await client.get(f"/v1/meetings/{'0' * 24}", headers=bob.headers)
    assert hidden.status_code == absent.status_code == 404
    assert {**hidden.json(), "requestId": ""} == {**absent.json(), "requestId": ""}
    assert hidden.json()["code"] == "meeting_not_found"


async def test_transcripts_need_the_package(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    await services.tenants.create("small", "essential")
    ada = await person("ada", tenant="small")
    meeting = await _meeting(client, ada)
    body = {"title": "dsa", "hostId": ada.id, "transcriptEnabled": True}
    for answer in (
        await client.post("/meetings/create", json=body, headers=ada.headers),
        await client.patch(f"/v1/meetings/{meeting['_id']}", json={"transcriptEnabled": True}, headers=ada.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "feature_disabled")


async def test_lists_as_documented(client: httpx.AsyncClient, person: Any, backend: Any) -> None:
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    first, second = await _meeting(client, ada), await _meeting(client, ada, title="later")
    await _meeting(client, bob)
    for who in (ada, boss, backend):
        answer = await client.get(f"/meetings/list/{ada.id}", headers=who.headers)
        assert answer.status_code == 200
        assert set(answer.json()) == {"data"}
        assert sorted(answer.json()["data"], key=lambda item: item["_id"]) == sorted(
            [first, second], key=lambda item: item["_id"]
        )
        moments = [item["createdAt"] for item in answer.json()["data"]]
        assert moments == sorted(moments, reverse=True)
        assert "link" not in answer.headers
    hidden = await client.get(f"/meetings/list/{ada.id}", headers=bob.headers)
    absent = await client.get(f"/meetings/list/{'0' * 24}", headers=bob.headers)
    assert hidden.status_code == absent.status_code == 404
    assert {**hidden.json(), "requestId": ""} == {**absent.json(), "requestId": ""}
    assert (await client.get(f"/meetings/list/{'0' * 24}", headers=boss.headers)).status_code == 404
    assert (await client.get("/meetings/list/nobody", headers=backend.headers)).status_code == 404


async def test_pages(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    made = {(await _meeting(client, ada))["_id"] for _ in range(7)}
    seen: list[dict[str, Any]] = []
    url: str | None = f"/meetings/list/{ada.id}?limit=3"
    sizes = []
    while url:
        answer = await client.get(url, headers=ada.headers)
        seen += answer.json()["data"]
        sizes.append(len(answer.json()["data"]))
        assert ("x-next-cursor" in answer.headers) == ("next" in answer.links)
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert sizes == [3, 3, 1]
    assert {item["_id"] for item in seen} == made
    assert len(seen) == 7
    order = [(item["createdAt"], item["_id"]) for item in seen]
    assert order == sorted(order, reverse=True)
    for query in ("limit=0", "limit=201", "limit=x", "cursor=x", "cursor=1.%00", "cursor=1"):
        answer = await client.get(f"/meetings/list/{ada.id}?{query}", headers=ada.headers)
        assert answer.status_code == 400, query


async def test_a_meeting_outlives_its_room(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    meeting = await _meeting(client, ada)
    assert (await client.delete(f"/v1/rooms/{meeting['roomId']}", headers=ada.headers)).status_code == 204
    after = (await client.get(f"/v1/meetings/{meeting['_id']}", headers=ada.headers)).json()["data"]
    assert after == {**meeting, "roomId": None}


async def test_goes_with_the_hosts_account(client: httpx.AsyncClient, person: Any, backend: Any) -> None:
    ada = await person("ada")
    meeting = await _meeting(client, ada)
    export = await client.get("/v1/users/me/export", headers=ada.headers)
    assert export.json()["data"]["meetings"] == [meeting]
    body = {"password": "password of ada"}
    answer = await client.request("DELETE", "/v1/users/me", json=body, headers=ada.headers)
    assert answer.status_code == 200
    gone = await client.get(f"/v1/meetings/{meeting['_id']}", headers=backend.headers)
    assert gone.status_code == 404
    assert (await client.get(f"/v1/rooms/{meeting['roomId']}", headers=backend.headers)).status_code == 200
