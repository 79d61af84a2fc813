"""The chat: relayed to the rest, saved, replayed, never doubled."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text


@pytest.fixture(params=["sqlite", "postgresql"])
def hall_url(request: pytest.FixtureRequest) -> str:
    """On each kind of database."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("new_postgresql")())


async def test_a_message_reaches_the_rest_under_both_names(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    answer = await guest.ok("sendMessage", {"room_id": room_id, "name": "x", "message": "Hello"})
    assert set(answer) == {"id", "timestamp"}
    for name in ("message", "sendMessage"):
        heard = await host.hear(name)
        assert heard["id"] == answer["id"] and heard["timestamp"] == answer["timestamp"]
        assert (heard["message"], heard["name"], heard["room_id"]) == ("Hello", "Viewer 0", room_id)
    assert not {"message", "sendMessage"} & set(guest.names())


async def test_history_is_replayed_to_whoever_joins(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    for number in range(105):
        await hall.services.chat._limits.clear("60/10 seconds", "chat", host.joined["id"])
        await host.ok("sendMessage", {"message": f"m{number}"})
    late = await hall.client()
    history = (await late.join(room_id))["chatHistory"]
    assert [entry["message"] for entry in history] == [f"m{number}" for number in range(5, 105)]
    assert {"id", "room_id", "name", "message", "timestamp"} <= set(history[0])


async def test_a_message_sent_again_is_the_same(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    body = {"message": "once", "clientId": "abc"}
    first = await guest.ok("sendMessage", body)
    assert first["clientId"] == "abc"
    assert await guest.ok("sendMessage", body) == first
    await asyncio.sleep(0.1)
    assert host.names().count("message") == 1
    assert len((await host.ok("join", {"room_id": room_id}))["chatHistory"]) == 1
    # Somebody else's id of the same name is another message.
    assert (await host.ok("sendMessage", body))["id"] != first["id"]


async def test_what_chat_refuses(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    assert await guest.code("sendMessage", {"message": "   "}) == "empty_message"
    assert await guest.code("sendMessage", {"message": "ä" * 3000}) == "message_too_long"
    assert await guest.code("sendMessage", {"message": "x" * 5000}) == "invalid_input"
    assert await guest.code("sendMessage", {"message": 5}) == "invalid_input"
    bad = {"message": "x", "file": {"name": "x", "url": "javascript:alert(1)"}}
    assert await guest.code("sendMessage", bad) == "invalid_input"
    assert "message" not in host.names()


async def test_a_flood_is_limited(hall: Any) -> None:
    _room, host, (guest,) = await hall.stage()
    answers = [await guest.call("sendMessage", {"message": str(number)}) for number in range(70)]
    # The others' limits are their own.
    said = await host.ok("sendMessage", {"message": "Please."})
    await guest.hear("message", id=said["id"])
    refused = [answer for answer in answers if "error" in answer]
    assert len(refused) == 10 and {answer["code"] for answer in refused} == {"rate_limited"}


async def test_messages_over_rest(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    for number in range(5):
        await host.ok("sendMessage", {"message": f"m{number}"})
    headers = {"x-api-key": await hall.key(), "authorization": f"Bearer {host.auth['token']}"}
    async with httpx.AsyncClient(base_url=hall.url, headers=headers) as client:
        page = await client.get(f"/v1/rooms/{room_id}/messages", params={"limit": 3})
        assert [entry["message"] for entry in page.json()["data"]] == ["m4", "m3", "m2"]
        cursor = page.headers["x-next-cursor"]
        rest = await client.get(f"/v1/rooms/{room_id}/messages", params={"limit": 3, "cursor": cursor})
        assert [entry["message"] for entry in rest.json()["data"]] == ["m1", "m0"]
        assert "x-next-cursor" not in rest.headers
        assert (await client.get("/v1/rooms/none/messages")).status_code == 404
        address = f"{hall.url}/v1/rooms/{room_id}/messages"
        anonymous = httpx.Request("GET", address, headers={"x-api-key": await hall.key()})
        assert (await client.send(anonymous)).json()["code"] == "user_required"


async def _uploaded(hall: Any, token: str, room_id: str) -> dict[str, Any]:
    headers = {"x-api-key": await hall.key(), "authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=hall.url, headers=headers) as client:
        answer = await client.post(f"/room/{room_id}/upload", files={"file": ("Plan B.txt", b"Hello")})
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data


async def test_a_message_carries_a_file_of_the_room(hall: Any) -> None:
    token = await hall.user("ada")
    room_id, other_room = await hall.room(token), await hall.room(token)
    host, guest = await hall.client(token), await hall.client()
    await host.join(room_id)
    await guest.join(room_id)
    file = await _uploaded(hall, token, room_id)
    await host.ok("sendMessage", {"message": "", "file": {"filename": file["filename"], "size": 1, "url": "//evil"}})
    heard = await guest.hear("message")
    name, file_id = file["filename"], heard["file"]["id"]
    assert heard["file"] == {
        "id": file_id,
        "filename": name,
        "name": "Plan B.txt",
        "size": 5,
        "type": "text/plain",
        "url": f"/v1/room/{room_id}/files/{file_id}?download=1",
    }
    async with httpx.AsyncClient(base_url=hall.url, headers={"x-api-key": await hall.key()}) as client:
        assert (await client.get(heard["file"]["url"])).json()["code"] == "user_required"
        headers = {"authorization": f"Bearer {token}"}
        assert (await client.get(heard["file"]["url"], headers=headers)).content == b"Hello"
    for short in (name, {"id": file_id}):
        await host.ok("sendMessage", {"message": "again", "file": short})
    assert (await guest.ok("join", {"room_id": room_id}))["chatHistory"][-1]["file"] == heard["file"]
    foreign = (await _uploaded(hall, token, other_room))["filename"]
    foreign_id = (await hall.services.files.find(other_room, foreign)).id
    for wrong in (foreign, {"id": foreign_id}, {"filename": "../../x"}):
        assert await host.code("sendMessage", {"message": "x", "file": wrong}) == "file_not_found"
    for wrong in ({"name": "x", "url": "https://x"}, {}, "", 5, {"id": 5}):
        assert await host.code("sendMessage", {"message": "x", "file": wrong}) == "invalid_input"


async def test_files_in_chat_are_a_matter_of_the_package(hall: Any) -> None:
    tenant = await hall.services.tenants.create("small", "essential")
    token = await hall.user("ada", "small")
    host = await hall.client(token, key=hall.services.tenants.web_key(tenant.id))
    await host.ok("createRoom", {"room_id": "small-room"})
    await host.join("small-room")
    assert await host.code("sendMessage", {"message": "x", "file": "x"}) == "feature_disabled"


async def test_the_room_hears_messages_in_the_order_of_their_ids(hall: Any) -> None:
    room_id, host, guests = await hall.stage(5)
    # Each writes ten at once, all five together: their messages share transactions.
    calls = [guest.ok("sendMessage", {"message": f"{who}.{n}"}) for n in range(10) for who, guest in enumerate(guests)]
    answers = await asyncio.gather(*calls)
    async with asyncio.timeout(10):
        while host.names().count("message") < 50:
            await asyncio.sleep(0.02)
    heard = [body for name, body in host.heard if name == "message"]
    assert sorted(body["id"] for body in heard) == sorted(answer["id"] for answer in answers)
    stored = await _stored(hall, host, room_id)
    assert [body["id"] for body in heard] == [body["id"] for body in reversed(stored)]
    for who in range(5):
        assert [body["message"] for body in heard if body["message"][0] == str(who)] == [
            f"{who}.{n}" for n in range(10)
        ]


async def _stored(hall: Any, reader: Any, room_id: str) -> list[dict[str, Any]]:
    headers = {"x-api-key": await hall.key(), "authorization": f"Bearer {reader.auth['token']}"}
    async with httpx.AsyncClient(base_url=hall.url, headers=headers) as client:
        answer = await client.get(f"/v1/rooms/{room_id}/messages", params={"limit": 200})
        data: list[dict[str, Any]] = answer.json()["data"]
        return data


async def test_a_message_sent_twice_at_once_is_stored_and_told_once(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    resume = guest.joined["resume"]
    body = {"message": "once", "clientId": "same"}
    answers = await asyncio.gather(*(guest.ok("sendMessage", body) for _ in range(5)))
    again = await hall.client()
    await again.join(room_id, resume=resume)
    answers.append(await again.ok("sendMessage", body))
    assert all(answer == answers[0] for answer in answers)
    await host.ok("sendMessage", {"message": "last"})
    await again.hear("message", message="last")
    assert [body["message"] for name, body in host.heard if name == "message"] == ["once"]
    assert [body["message"] for body in await _stored(hall, host, room_id)] == ["last", "once"]


async def test_what_was_stored_without_an_answer_is_told_when_it_is_sent_again(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    await host.ok("sendMessage", {"message": "before"})
    # As if the database had lost the connection after the commit: on disk, and nobody was told.
    announce, hall.services.chat._writer._committed = hall.services.chat._writer._committed, lambda *_: None
    first = await guest.ok("sendMessage", {"message": "lost", "clientId": "a"})
    hall.services.chat._writer._committed = announce
    await host.ok("sendMessage", {"message": "after"})
    assert "message" not in host.names()
    assert await guest.ok("sendMessage", {"message": "lost", "clientId": "a"}) == first
    assert (await host.hear("message"))["id"] == first["id"]
    assert await guest.ok("sendMessage", {"message": "lost", "clientId": "a"}) == first
    await asyncio.sleep(0.1)
    assert "message" not in host.names()
    late = await hall.client()
    history = (await late.join(room_id))["chatHistory"]
    assert [body["message"] for body in history] == ["before", "lost", "after"]


@pytest.mark.parametrize("hall_url", [""])  # It is SQLite's way to have no room left.
async def test_a_full_disk_is_an_error_and_nothing_is_told(hall: Any) -> None:
    room_id, host, (guest, *others) = await hall.stage(3)
    pages = 1

    @event.listens_for(hall.services.db.engine.sync_engine, "begin")
    def _limit(connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    answers = await asyncio.gather(*(one.call("sendMessage", {"message": "x" * 4000}) for one in (guest, *others) * 2))
    refused = [answer for answer in answers if "error" in answer]
    assert refused and {answer["code"] for answer in refused} == {"database_unavailable"}
    pages = 1_000_000
    last = await guest.ok("sendMessage", {"message": "There is room again."})
    await host.hear("message", id=last["id"])
    stored = {answer["id"] for answer in answers if "error" not in answer} | {last["id"]}
    assert {body["id"] for body in await _stored(hall, host, room_id)} == stored
    assert {body["id"] for name, body in host.heard if name == "message"} <= stored


async def test_a_room_that_is_deleted_spoils_no_other_ones_chat(hall: Any) -> None:
    one, host, (guest,) = await hall.stage()
    two, _other_host, (other,) = await hall.stage()
    async with hall.services.db.session() as session:
        await session.execute(text("DELETE FROM rooms WHERE id = :id"), {"id": two})
    calls = [who.call("sendMessage", {"message": str(n)}) for n in range(10) for who in (guest, other)]
    answers = await asyncio.gather(*calls)
    assert [answer.get("code") for answer in answers] == [None, "room_not_found"] * 10
    assert [body["message"] for body in await _stored(hall, host, one)] == [str(n) for n in reversed(range(10))]


async def test_a_page_goes_on_before_the_history_of_the_join(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    assert (await host.ok("join", {"room_id": room_id}))["chatCursor"] is None
    for number in range(103):
        await hall.services.chat._limits.clear("60/10 seconds", "chat", host.joined["id"])
        await host.ok("sendMessage", {"message": f"m{number}"})
    joined = await host.ok("join", {"room_id": room_id})
    assert joined["chatHistory"][0]["message"] == "m3"
    headers = {"x-api-key": await hall.key(), "authorization": f"Bearer {host.auth['token']}"}
    async with httpx.AsyncClient(base_url=hall.url, headers=headers) as client:
        page = await client.get(f"/v1/rooms/{room_id}/messages", params={"cursor": joined["chatCursor"]})
    assert [body["message"] for body in page.json()["data"]] == ["m2", "m1", "m0"]


async def test_a_text_with_nul_is_refused(hall: Any) -> None:
    room_id, host, _guests = await hall.stage(0)
    for body in ({"message": "a\0b"}, {"message": "a", "clientId": "\0"}, {"message": "a", "file": "\0"}):
        assert await host.code("sendMessage", body) == "invalid_input"
    for body in ({"room_id": "\0", "name": "A"}, {"room_id": room_id, "name": "\0"}):
        assert await host.code("join", body) in ("invalid_input", "room_not_found")
    await host.ok("sendMessage", {"message": "\U0001f469\u200d\U0001f4bb \u0928"})
    late = await hall.client()
    assert [entry["message"] for entry in (await late.join(room_id))["chatHistory"]] == [
        "\U0001f469\u200d\U0001f4bb \u0928"
    ]
