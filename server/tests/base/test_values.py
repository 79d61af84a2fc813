"""Odd texts and numbers, on each kind of database: kept exactly or refused with 400, never a failure."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

ODD = [
    "Zo\u00eb \U0001d49c\U0001f469\u200d\U0001f4bb",
    "Stra\u00dfe \ufb01n",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "a'b\"c\\d%e_f;--",
    "\u200d\ufeff",
    "\u0130\u0131\u017fK",
]
HUGE = [2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400]
BAD = ["a\0b", "\ud800", "a\udfffb"]


@pytest.mark.parametrize("text", ODD)
async def test_a_text_comes_back_as_it_was(client: httpx.AsyncClient, person: Any, text: str) -> None:
    ada = await person("ada")
    new = {"title": text, "hostId": ada.id, "transcriptEnabled": False}
    made = await client.post("/meetings/create", json=new, headers=ada.headers)
    assert made.status_code == 201, made.text
    listed = await client.get(f"/meetings/list/{ada.id}", headers=ada.headers)
    assert listed.json()["data"][0]["title"] == text.strip()
    found = await client.get(f"/v1/rooms?name={quote(text)}", headers=ada.headers)
    assert [room["name"] for room in found.json()["data"]] == [text.strip()]


@pytest.mark.parametrize("bad", BAD)
async def test_a_text_that_no_database_holds_is_refused(client: httpx.AsyncClient, person: Any, bad: str) -> None:
    ada = await person("ada")
    user = {"email": f"{bad}@example.org", "fName": bad, "lName": bad, "phoneNumber": "1234", "country": bad}
    bodies = {
        "/auth/register": {**user, "password": "AB1239001"},
        "/auth/login": {"userName": bad, "password": "AB1239001"},
        "/v1/auth/forgot-password": {"email": bad},
        "/v1/auth/reset-password": {"token": bad, "newPassword": "AB1239001"},
        "/room/create": {"name": bad, "type": "webinar", "ownerId": bad},
        "/meetings/create": {"title": bad, "hostId": bad, "transcriptEnabled": False},
        f"/meetings/update/{ada.id}": {"recordingId": bad, "title": bad},
    }
    for path, body in bodies.items():
        content = json.dumps(body).encode()  # With \u escapes, as they may come in.
        answer = await client.post(path, content=content, headers={**ada.headers, "content-type": "application/json"})
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["success"] is False


async def test_nul_in_a_path_or_a_query(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada", admin=True)
    paths = ["/v1/rooms/%00", "/v1/meetings/a%00b", "/meetings/list/%00", "/room/%00/files", "/room/a/files/%00"]
    for path in paths:
        answer = await client.get(path, headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    for query in ("/v1/rooms?name=%00", "/v1/audit-log?actor=a%00b", "/v1/audit-log?resource=%00"):
        answer = await client.get(query, headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), query


@pytest.mark.parametrize("number", HUGE)
async def test_a_number_too_large_is_refused(client: httpx.AsyncClient, person: Any, number: int) -> None:
    ada = await person("ada", admin=True)
    meeting = {"title": "T", "hostId": ada.id, "transcriptEnabled": False}
    bodies = [
        ("/room/create", {"name": "A", "type": "webinar", "maxParticipants": number}),
        ("/meetings/create", {**meeting, "durationMinutes": number}),
    ]
    if abs(number) > 2**53 + 1:
        bodies.append(("/meetings/create", {**meeting, "scheduledAt": number}))
    for path, body in bodies:
        headers = {**ada.headers, "content-type": "application/json"}
        answer = await client.post(path, content=json.dumps(body), headers=headers)
        assert answer.status_code == 400, (path, answer.text[:200])
    for query in ("limit", "cursor", "since", "until"):
        for path in ("/v1/audit-log", "/v1/rooms", f"/meetings/list/{ada.id}"):
            answer = await client.get(f"{path}?{query}={number}", headers=ada.headers)
            assert answer.status_code in (200, 400), (path, query, answer.text[:200])


async def test_a_moment_comes_back_to_the_millisecond(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    for moment, written in ((253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (0, "1970-01-01T00:00:00.000Z")):
        new = {"title": "T", "hostId": ada.id, "transcriptEnabled": False, "scheduledAt": moment}
        made = await client.post("/meetings/create", json=new, headers=ada.headers)
        assert made.json()["data"]["scheduledAt"] == written
