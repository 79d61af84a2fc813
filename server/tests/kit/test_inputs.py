"""Fields of bodies: their spellings, and values at the edges of what there is."""

from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import httpx
import pytest
from rostrum.kit.inputs import Input
from rostrum.meetings.schemas import ChangeMeetingInput, CreateMeetingInput
from rostrum.rooms.schemas import CreateRoomInput
from rostrum.services import Services

ROOM = {"name": "A", "type": "webinar"}


@pytest.mark.parametrize("name", ["roomId", "room_id", "roomID", "RoomId", "ROOM_ID", "roomid"])
def test_every_spelling_is_the_field(name: str) -> None:
    assert ChangeMeetingInput.model_validate({name: "abc"}).room_id == "abc"


def test_the_documented_spelling_counts_first() -> None:
    body = {"room_id": "two", "roomID": "three", "roomId": "one"}
    assert ChangeMeetingInput.model_validate(body).room_id == "one"
    assert ChangeMeetingInput.model_validate({"ROOMID": "first", "roomid": "second"}).room_id == "first"


@pytest.mark.parametrize("name", ["hostId", "hostID", "host_id", "userId", "userID", "user_id"])
def test_a_host_by_any_name(name: str) -> None:
    body = {"title": "T", "transcript_enabled": True, name: "abc"}
    made = CreateMeetingInput.model_validate(body)
    assert (made.host_id, made.transcript_enabled) == ("abc", True)


def test_rooms_too() -> None:
    made = CreateRoomInput.model_validate({**ROOM, "is_private": True, "max_participants": 3, "owner_id": "u"})
    assert (made.is_private, made.max_participants, made.owner_id) == (True, 3, "u")


def _bodies(kind: type[Input]) -> set[type[Input]]:
    return {kind} | {body for child in kind.__subclasses__() for body in _bodies(child)}


def test_no_two_fields_of_a_body_are_spelt_alike() -> None:
    for body in _bodies(Input) - {Input}:
        folded = [name.replace("_", "").lower() for name in body.model_fields]
        assert len(folded) == len(set(folded)), body


@pytest.mark.parametrize(
    "value",
    [
        -1, -62_135_596_800_000, 253_402_300_800_000, 10**30, 10**100, 1.5, 1e300, 1e15 + 0.5, "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2025-02-29", "2025-13-01", "",
        " ", "soon", "1e3", "²", "--5", "9" * 5000, "-5", True, [], {}, "2025-01-01T00:00:00+99:00", "NaN",
    ],
)  # fmt: skip
async def test_moments_that_are_none(client: httpx.AsyncClient, person: Any, value: object) -> None:
    ada = await person("ada")
    body = {"title": "T", "hostId": ada.id, "transcriptEnabled": False, "scheduledAt": value}
    answer = await client.post("/meetings/create", json=body, headers=ada.headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["field"].startswith("scheduledAt")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1760447289559, "2025-10-14T13:08:09.559Z"),
        (1760447289559.0, "2025-10-14T13:08:09.559Z"),
        ("1760447289559", "2025-10-14T13:08:09.559Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("2025-03-30T02:30:00+01:00", "2025-03-30T01:30:00.000Z"),
        ("2025-10-26T02:30:00+02:00", "2025-10-26T00:30:00.000Z"),
        ("2025-10-26T02:30:00+01:00", "2025-10-26T01:30:00.000Z"),
        ("2025-10-14T13:08:09,559Z", "2025-10-14T13:08:09.559Z"),
        ("20251014T130809Z", "2025-10-14T13:08:09.000Z"),
        (" 2025-10-14 13:08 ", "2025-10-14T13:08:00.000Z"),
    ],
)
async def test_moments_come_back_to_the_millisecond(
    client: httpx.AsyncClient, person: Any, value: object, told: str
) -> None:
    ada = await person("ada")
    body = {"title": "T", "hostId": ada.id, "transcriptEnabled": False, "scheduledAt": value}
    answer = await client.post("/meetings/create", json=body, headers=ada.headers)
    assert answer.status_code == 201, answer.text
    meeting = answer.json()["data"]
    assert meeting["scheduledAt"] == told
    read = await client.get(f"/v1/meetings/{meeting['_id']}", headers=ada.headers)
    assert read.json()["data"] == meeting


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("maxParticipants", text)
        for text in ("NaN", "Infinity", "-Infinity", "1e400", "9" * 100, "9" * 5000, "-0", "1.0", "1e2", "0x5", "true")
    ]
    + [("name", text) for text in ('"\\u0000"', '"a\\ud800"', '"\\udc00\\ud800"', "9" * 100, "[]", '"\\u202e"')],
)
async def test_numbers_and_text_that_are_none(client: httpx.AsyncClient, backend: Any, field: str, text: str) -> None:
    fields = {"name": '"A"', "type": '"webinar"', field: text}
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"
    headers = {**backend.headers, "content-type": "application/json"}
    answer = await client.post("/room/create", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in ("invalid_input", "malformed_json")


TEXTS = [
    "e\u0301 and \u00e9", "\u1e9b\u0323", "Å", "שלום", "مرحبا", "\U0001d518\U0001d52b", "\ufb00", "\U0010fffd",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308", "\ufeffx", "a\u200db",
    "a\u2028b", "<script>alert(1)</script>", "'; DROP TABLE rooms; --", "%00", "${7*7} {{7*7}}", "\\u0000",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
async def test_text_comes_back_as_it_was_sent(client: httpx.AsyncClient, person: Any, text: str) -> None:
    ada = await person("ada")
    room = (await client.post("/room/create", json={**ROOM, "name": text}, headers=ada.headers)).json()["data"]
    meeting = {"title": text, "hostId": ada.id, "transcriptEnabled": False, "roomId": room["id"]}
    made = (await client.post("/meetings/create", json=meeting, headers=ada.headers)).json()["data"]
    form = {"file": (f"{text[:60]}.txt", b"x", "text/plain")}
    file = (await client.post(f"/room/{room['id']}/upload", files=form, headers=ada.headers)).json()["data"]
    wanted = text.strip()
    assert (room["name"], made["title"]) == (wanted, wanted)
    listed = (await client.get("/v1/rooms", params={"name": text}, headers=ada.headers)).json()["data"]
    assert [one["name"] for one in listed] == [wanted]
    assert (await client.get(f"/v1/meetings/{made['_id']}", headers=ada.headers)).json()["data"]["title"] == wanted
    files = (await client.get(f"/room/{room['id']}/files", headers=ada.headers)).json()["data"]
    assert [one["originalName"] for one in files] == [file["originalName"]]
    address = f"/room/{room['id']}/files/{quote(file['filename'], safe='')}"
    assert (await client.get(address, headers=ada.headers)).json()["data"]["filename"] == file["filename"]


async def test_file_names_keep_their_letters(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    room = (await client.post("/room/create", json=ROOM, headers=ada.headers)).json()["data"]["id"]
    for name in ("Grüße aus Köln 🎉.txt", "名前.txt", "مرحبا.txt", "e\u0301.txt", "a'b&c=d+e.txt"):
        form = {"file": (name, b"x", "text/plain")}
        made = (await client.post(f"/room/{room}/upload", files=form, headers=ada.headers)).json()["data"]
        assert made["originalName"] == normalize("NFC", name)
        address = f"/room/{room}/files/{quote(made['filename'])}?download=1"
        got = await client.get(address, headers=ada.headers)
        assert got.headers["content-disposition"].endswith(f"filename*=UTF-8''{quote(made['originalName'], safe='')}")


async def test_ids_come_back_whole(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    """Digits beyond what JSON's numbers hold exactly: ids are strings on every way."""
    ada = await person("ada")
    body = {"title": "T", "hostId": ada.id, "transcriptEnabled": False}
    meeting = (await client.post("/meetings/create", json=body, headers=ada.headers)).json()["data"]["_id"]
    path = f"/v1/meetings/{meeting}"
    for recording in ("9007199254740993_1", "18446744073709551615", "755961800257348400"):
        answer = await client.patch(path, json={"recordingId": recording}, headers=ada.headers)
        assert answer.json()["data"]["recordingIds"][-1] == recording
    assert (await client.patch(path, json={"recordingId": 9007199254740993}, headers=ada.headers)).status_code == 400
