"""What an owner does with rooms over REST: list, change, delete, co-hosts."""

from typing import Any

import httpx
import pytest
from rostrum.services import Services


async def _room(client: httpx.AsyncClient, who: Any, **extra: Any) -> dict[str, Any]:
    answer = await client.post("/room/create", json={"name": "R", "type": "webinar", **extra}, headers=who.headers)
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_lists_ones_own(client: httpx.AsyncClient, person: Any, backend: Any, services: Services) -> None:
    await services.tenants.create("other")
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    eve = await person("eve", tenant="other", admin=True)
    made = {(await _room(client, ada, isPrivate=True))["id"] for _ in range(3)}
    theirs = {(await _room(client, bob))["id"]}
    for who, rooms in ((ada, made), (bob, theirs), (boss, made | theirs), (backend, made | theirs), (eve, set())):
        answer = await client.get("/v1/rooms", headers=who.headers)
        assert {room["id"] for room in answer.json()["data"]} == rooms
        assert answer.status_code == 200
    room = (await client.get("/v1/rooms", headers=bob.headers)).json()["data"][0]
    assert room == {
        **(await client.patch(f"/v1/rooms/{room['id']}", json={}, headers=bob.headers)).json()["data"],
        "name": "R",
        "type": "webinar",
        "p2p": False,
        "ownerId": bob.id,
        "live": False,
    }
    assert room["createdAt"].endswith("Z")
    assert room["joinUrl"].endswith(f"/join/{room['id']}#k={bob.headers['x-api-key']}")


async def _ids(client: httpx.AsyncClient, who: Any, **query: Any) -> list[str]:
    answer = await client.get("/v1/rooms", params=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return [room["id"] for room in answer.json()["data"]]


async def test_filters(client: httpx.AsyncClient, person: Any, backend: Any) -> None:
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    first = (await _room(client, ada, name="All hands 100%", type="meeting"))["id"]
    second = (await _room(client, ada, name="Launch_Day", isPrivate=True))["id"]
    third = (await _room(client, bob, name="launch party"))["id"]
    for who in (boss, backend):
        for alias in ("ownerId", "owner_id", "userId", "userID"):
            assert set(await _ids(client, who, **{alias: ada.id})) == {first, second}
        assert set(await _ids(client, who, ownerId="")) == {first, second, third}
        assert await _ids(client, who, ownerId="0" * 24) == []
    assert await _ids(client, boss, type="meeting") == [first]
    assert await _ids(client, boss, isPrivate="true") == [second] == await _ids(client, boss, is_private="1")
    assert set(await _ids(client, boss, name="LAUNCH")) == {second, third}
    assert await _ids(client, boss, name="100%") == [first]
    assert await _ids(client, boss, name="h_D") == [second]  # A letter of the name, no wildcard.
    assert await _ids(client, ada, name="launch") == [second]
    # Whose somebody else's rooms are is not told, not even whether there are any.
    assert await _ids(client, ada, ownerId=bob.id) == await _ids(client, ada, ownerId="0" * 24) == []
    moments = {
        room["id"]: room["createdAt"] for room in (await client.get("/v1/rooms", headers=boss.headers)).json()["data"]
    }
    assert set(await _ids(client, boss, since=moments[third])) >= {third}
    assert set(await _ids(client, boss, since=moments[first], until=moments[third])) == {first, second, third}
    assert await _ids(client, boss, until="2020-01-01") == []
    for query in ("type=party", "isPrivate=perhaps", "since=soon", "order=random", f"name={'x' * 101}", "until=-1"):
        answer = await client.get(f"/v1/rooms?{query}", headers=boss.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), query
        assert answer.json()["errors"][0]["field"].split(".")[0] == query.partition("=")[0]


async def test_filters_hold_over_all_pages_in_both_orders(client: httpx.AsyncClient, person: Any) -> None:
    ada, bob, boss = await person("ada"), await person("bob"), await person("boss", admin=True)
    made = []
    for _ in range(5):
        made.append((await _room(client, ada))["id"])
        await _room(client, bob)
    walks = {}
    for order in ("newest", "oldest"):
        seen: list[str] = []
        url: str | None = f"/v1/rooms?limit=2&ownerId={ada.id}&order={order}"
        while url:
            answer = await client.get(url, headers=boss.headers)
            seen += [room["id"] for room in answer.json()["data"]]
            url = answer.links["next"]["url"] if "next" in answer.links else None
        assert set(seen) == set(made)
        walks[order] = seen
    assert walks["newest"] == walks["oldest"][::-1]


async def test_pages(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    made = {(await _room(client, ada))["id"] for _ in range(5)}
    seen: list[str] = []
    url: str | None = "/v1/rooms?limit=2"
    while url:
        answer = await client.get(url, headers=ada.headers)
        assert len(answer.json()["data"]) == min(2, 5 - len(seen))
        seen += [room["id"] for room in answer.json()["data"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert (len(seen), set(seen)) == (5, made)


async def test_changes_what_is_named(client: httpx.AsyncClient, person: Any, visitor: Any) -> None:
    ada = await person("ada")
    room = await _room(client, ada, maxParticipants=5)
    path = f"/v1/rooms/{room['id']}"
    assert (await client.get(path, headers=visitor.headers)).status_code == 200
    for body, expected in (
        ({"name": " New "}, {"name": "New", "maxParticipants": 5, "isPrivate": False}),
        ({"maxParticipants": 9}, {"name": "New", "maxParticipants": 9, "isPrivate": False}),
        ({"maxParticipants": None}, {"name": "New", "maxParticipants": None, "isPrivate": False}),
        ({"isPrivate": True}, {"name": "New", "maxParticipants": None, "isPrivate": True}),
        ({"type": "live", "ownerId": "x", "p2p": True}, {"type": "webinar", "p2p": False, "ownerId": ada.id}),
    ):
        answer = await client.patch(path, json=body, headers=ada.headers)
        assert answer.status_code == 200
        assert {key: answer.json()["data"][key] for key in expected} == expected
    assert (await client.get(path, headers=visitor.headers)).status_code == 404  # Private at once.
    pair = await _room(client, ada, p2p=True)
    answer = await client.patch(f"/v1/rooms/{pair['id']}", json={"maxParticipants": 7}, headers=ada.headers)
    assert answer.json()["data"]["maxParticipants"] == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", 7), ("name", "x" * 101), ("maxParticipants", 0), ("isPrivate", "yes")],
)
async def test_names_the_invalid_field(client: httpx.AsyncClient, person: Any, field: str, value: object) -> None:
    ada = await person("ada")
    room = await _room(client, ada)
    answer = await client.patch(f"/v1/rooms/{room['id']}", json={field: value}, headers=ada.headers)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_only_the_owner_changes_a_room(client: httpx.AsyncClient, person: Any, visitor: Any) -> None:
    ada, bob = await person("ada"), await person("bob")
    room = await _room(client, ada)
    path = f"/v1/rooms/{room['id']}"
    invitation = await client.post(f"{path}/invitations", json={"role": "host"}, headers=ada.headers)
    invited = {**visitor.headers, "authorization": f"Bearer {invitation.json()['data']['token']}"}
    for headers, status in ((bob.headers, 403), (invited, 401), (visitor.headers, 401)):
        for method, tail, body in (
            ("PATCH", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("PUT", f"/cohosts/{bob.id}", None),
            ("DELETE", f"/cohosts/{bob.id}", None),
        ):
            answer = await client.request(method, f"{path}{tail}", json=body, headers=headers)
            assert answer.status_code == status, (method, tail)


async def test_deletes_with_all_that_is_in_it(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    ada = await person("ada")
    room = await _room(client, ada)
    path = f"/v1/rooms/{room['id']}"
    await services.rooms.grant(room["id"], "somebody", "cohost")
    answer = await client.delete(path, headers=ada.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(path, headers=ada.headers)).status_code == 404
    assert (await client.delete(path, headers=ada.headers)).status_code == 404
    assert (await client.get("/v1/rooms", headers=ada.headers)).json()["data"] == []


async def test_cohosts_for_good(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    ada, bob = await person("ada"), await person("bob")
    await services.tenants.create("other")
    eve = await person("eve", tenant="other")
    room = await _room(client, ada, isPrivate=True)
    path = f"/v1/rooms/{room['id']}"
    assert (await client.get(path, headers=bob.headers)).status_code == 404
    for _ in range(2):
        answer = await client.put(f"{path}/cohosts/{bob.id}", headers=ada.headers)
        assert answer.status_code == 200
        assert answer.json()["data"] == {"userId": bob.id, "role": "cohost"}
    who = await services.auth.authenticate(bob.headers["x-api-key"], bob.token)
    assert (await services.rooms.admit(who, room["id"], name=None)).role == "cohost"
    for stranger in (eve.id, "0" * 24, "nobody"):
        assert (await client.put(f"{path}/cohosts/{stranger}", headers=ada.headers)).status_code == 404
    for _ in range(2):
        assert (await client.delete(f"{path}/cohosts/{bob.id}", headers=ada.headers)).status_code == 204
    assert (await client.get(path, headers=bob.headers)).status_code == 404
    # The owner stays a host, whatever is asked.
    await client.put(f"{path}/cohosts/{ada.id}", headers=ada.headers)
    await client.delete(f"{path}/cohosts/{ada.id}", headers=ada.headers)
    owner = await services.auth.authenticate(ada.headers["x-api-key"], ada.token)
    assert (await services.rooms.admit(owner, room["id"], name=None)).role == "host"
