"""Fields that nobody asked for, and SQL where a filter, a date or a cursor belongs."""

from typing import Any

import httpx
import pytest
from rostrum.services import Services

GREEDY = {
    "role": "admin", "roles": ["admin"], "isAdmin": True, "admin": True, "tenant": "other", "tenantId": "other",
    "tenant_id": "other", "package": "professional", "storageLimit": 2**60, "isEncrypted": True, "_id": "f" * 24,
    "id": "f" * 24, "createdAt": 1, "created_at": 1, "generation": 99, "open": True, "live": True, "joinUrl": "//evil",
    "passwordHash": "x", "emailVerified": True, "recordingIds": ["1_1"], "__proto__": {"role": "admin"}, "": "",
}  # fmt: skip


async def test_fields_that_nobody_asked_for_change_nothing(
    client: httpx.AsyncClient, person: Any, visitor: Any, services: Services
) -> None:
    ada = await person("ada")
    login = {"userName": ada.email, "password": "password of ada"}
    done = (await client.post("/auth/login", json={**GREEDY, **login}, headers=visitor.headers)).json()["data"]
    assert (done["user"]["roles"], done["user"]["_id"]) == (["user"], ada.id)
    body = {"name": "A", "type": "webinar"}
    plain = (await client.post("/room/create", json=body, headers=ada.headers)).json()["data"]
    greedy = (await client.post("/room/create", json={**GREEDY, **body}, headers=ada.headers)).json()["data"]
    assert greedy["joinUrl"] == plain["joinUrl"].replace(plain["id"], greedy["id"])
    for same in ("name", "type", "p2p", "maxParticipants", "isPrivate"):
        assert greedy[same] == plain[same]
    room = greedy["id"]
    assert room != "f" * 24
    before = (await client.get("/v1/rooms", headers=ada.headers)).json()["data"][0]
    after = await client.patch(
        f"/v1/rooms/{room}", json={**GREEDY, "ownerId": "x", "type": "live"}, headers=ada.headers
    )
    assert after.json()["data"] == before
    invite = {"role": "viewer"}
    invited = await client.post(f"/v1/rooms/{room}/invitations", json={**GREEDY, **invite}, headers=ada.headers)
    assert invited.json()["data"]["role"] == "viewer"
    guest = await client.post(f"/v1/rooms/{room}/guest-token", json={**GREEDY, "name": "G"}, headers=visitor.headers)
    assert guest.json()["data"]["role"] == "viewer"
    meeting = {"title": "T", "hostId": ada.id, "transcriptEnabled": False}
    made = (await client.post("/meetings/create", json={**GREEDY, **meeting}, headers=ada.headers)).json()["data"]
    assert made["recordingIds"] == [] and made["_id"] != "f" * 24 and made["createdAt"] > "2020"
    patched = await client.patch(f"/v1/meetings/{made['_id']}", json={**GREEDY, "hostId": "x"}, headers=ada.headers)
    assert patched.json()["data"] == made
    user = await services.auth.find(visitor.id, "ada@example.org")
    assert user is not None
    assert (user.id, user.roles, user.tenant_id) == (ada.id, ("user",), visitor.id)


async def test_nobody_makes_a_thing_for_somebody_else(client: httpx.AsyncClient, person: Any) -> None:
    ada, bob = await person("ada"), await person("bob")
    for name in ("ownerId", "hostId", "userId", "userID", "owner_id", "OWNERID"):
        body = {"name": "A", "type": "webinar", name: ada.id}
        assert (await client.post("/room/create", json=body, headers=bob.headers)).status_code == 403, name
    for name in ("hostId", "hostID", "host_id", "userId"):
        body = {"title": "T", "transcriptEnabled": False, name: ada.id}
        assert (await client.post("/meetings/create", json=body, headers=bob.headers)).status_code == 403, name


INJECTIONS = [
    "' OR '1'='1", "'; DROP TABLE rooms; --", '" OR 1=1 --', "1) OR (1=1", "x' UNION SELECT hash FROM api_keys --",
    "\\' OR 1", "%' OR name LIKE '%", "1 OR 1=1", "0/**/OR/**/1", "${jndi:ldap://x}", "{{7*7}}", "1;SELECT pg_sleep(9)",
    "\u02bc OR 1",
]  # fmt: skip
LISTS = {
    "/v1/rooms": (
        "ownerId",
        "userID",
        "type",
        "isPrivate",
        "name",
        "since",
        "until",
        "order",
        "limit",
        "cursor",
        "sort",
    ),
    "/v1/audit-log": ("user", "action", "resource", "outcome", "since", "until", "limit", "cursor"),
    "/meetings/list/{user}": ("limit", "cursor", "sort"),
    "/room/{room}/files": ("limit", "cursor", "sort"),
    "/v1/rooms/{room}/messages": ("limit", "cursor", "sort"),
}


@pytest.mark.parametrize("path", LISTS)
async def test_a_filter_is_a_value_and_never_a_query(
    client: httpx.AsyncClient, person: Any, services: Services, path: str
) -> None:
    boss = await person("boss", admin=True)
    await services.tenants.create("other")
    eve = await person("eve", tenant="other")
    await client.post("/room/create", json={"name": "Theirs", "type": "live"}, headers=eve.headers)
    made = await client.post("/room/create", json={"name": "Ours", "type": "live"}, headers=boss.headers)
    url = path.format(room=made.json()["data"]["id"], user=boss.id)
    everything = (await client.get(url, headers=boss.headers)).json()["data"]
    for name in LISTS[path]:
        for text in INJECTIONS:
            answer = await client.get(url, params={name: text}, headers=boss.headers)
            assert answer.status_code in (200, 400), (name, text)
            if answer.status_code == 200:  # It is a value that nothing has, or a parameter that is none.
                assert answer.json()["data"] in ([], everything), (name, text)
                assert name in ("sort", "order") or answer.json()["data"] == [], (name, text)
    after = (await client.get(url, params={"limit": 200}, headers=boss.headers)).json()["data"]
    assert [one for one in after if one in everything] == everything  # The audit log notes who has read it.


async def test_cursors_of_others_lead_nowhere(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    await services.tenants.create("other")
    boss, eve = await person("boss", admin=True), await person("eve", tenant="other")
    for who in (boss, eve):
        for _ in range(3):
            await client.post("/room/create", json={"name": "R", "type": "live"}, headers=who.headers)
    cursor = (await client.get("/v1/rooms?limit=1", headers=boss.headers)).headers["x-next-cursor"]
    theirs = {room["id"] for room in (await client.get("/v1/rooms", headers=eve.headers)).json()["data"]}
    page = (await client.get("/v1/rooms", params={"cursor": cursor}, headers=eve.headers)).json()["data"]
    assert {room["id"] for room in page} <= theirs
    for odd in ("0.0", f"{10**15 - 1}.{'z' * 64}", "1.-"):
        assert (await client.get("/v1/rooms", params={"cursor": odd}, headers=eve.headers)).status_code == 200
    for wrong in ("", "x", "-1.a", "1.", ".a", "1.a.b", f"{10**16}.a", "1.a'b", "1\u0660.a"):
        assert (await client.get("/v1/rooms", params={"cursor": wrong}, headers=eve.headers)).status_code == 400, wrong
