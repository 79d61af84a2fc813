"""Many do the same at the same moment, on each kind of database: what may happen once happens once, nothing fails."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from rostrum.auth import store as auth_store
from rostrum.auth.account import _digest
from rostrum.auth.models import PasswordReset
from rostrum.files.models import RoomFile
from rostrum.kit import clock
from rostrum.main import create_app
from rostrum.meetings.models import Meeting
from rostrum.rooms.models import RoomGrant
from rostrum.services import Services
from rostrum.settings import Settings
from rostrum.tenants.models import ApiKey, Tenant
from sqlalchemy import delete, func, select

NEW_USER = {"fName": "A", "lName": "B", "phoneNumber": "12345", "country": "Nowhere", "password": "AB1239001"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_room_files_bytes": 10_240})


async def _all(call: Callable[[int], Awaitable[httpx.Response]], times: int) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*(call(number) for number in range(times))))


async def _count(services: Services, table: Any) -> int:
    async with services.db.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_one_address_registers_once(client: httpx.AsyncClient, visitor: Any) -> None:
    async def register(number: int) -> httpx.Response:
        email = "Ada@Example.org" if number % 2 else "ada@example.ORG"
        return await client.post("/auth/register", json={**NEW_USER, "email": email}, headers=visitor.headers)

    assert await _all(register, 10) == {201: 1, 409: 9}


async def test_recordings_of_a_meeting_are_all_there_once(
    client: httpx.AsyncClient, services: Services, person: Any
) -> None:
    ada = await person("ada")
    new = {"title": "T", "hostId": ada.id, "transcriptEnabled": False}
    meeting = (await client.post("/meetings/create", json=new, headers=ada.headers)).json()["data"]["_id"]

    async def append(number: int) -> httpx.Response:
        body = {"recordingId": f"1737978989992_{number // 2}"}
        return await client.post(f"/meetings/update/{meeting}", json=body, headers=ada.headers)

    assert await _all(append, 40) == {204: 40}
    async with services.db.reading() as session:
        row = await session.get(Meeting, meeting)
    assert row is not None
    assert sorted(row.recording_ids) == sorted({f"1737978989992_{number // 2}" for number in range(40)})


async def test_a_room_never_holds_more_than_it_may(
    client: httpx.AsyncClient, services: Services, settings: Settings, backend: Any
) -> None:
    room = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=backend.headers)
    path = f"/room/{room.json()['data']['id']}/upload"

    async def upload(_number: int) -> httpx.Response:
        return await client.post(path, files={"file": ("same.txt", b"x" * 1000)}, headers=backend.headers)

    answers = await _all(upload, 20)
    assert set(answers) == {200, 413} and 1 <= answers[200] <= 10
    assert await _count(services, RoomFile) == answers[200]
    objects = [path for path in (settings.data_dir / "objects").rglob("*") if path.is_file()]
    assert len(objects) == answers[200]


async def test_one_role_granted_many_times_is_one(client: httpx.AsyncClient, services: Services, person: Any) -> None:
    ada, bob = await person("ada"), await person("bob")
    room = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=ada.headers)
    room_id = room.json()["data"]["id"]

    async def name(_number: int) -> httpx.Response:
        return await client.put(f"/v1/rooms/{room_id}/cohosts/{bob.id}", headers=ada.headers)

    assert await _all(name, 20) == {200: 20}
    assert await _count(services, RoomGrant) == 1

    async def name_and_drop(number: int) -> httpx.Response:
        verb = "DELETE" if number % 2 else "PUT"
        return await client.request(verb, f"/v1/rooms/{room_id}/cohosts/{bob.id}", headers=ada.headers)

    assert await _all(name_and_drop, 20) == {200: 10, 204: 10}


async def test_a_role_in_a_room_that_goes(client: httpx.AsyncClient, person: Any) -> None:
    ada, bob = await person("ada"), await person("bob")
    for _ in range(5):
        room = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=ada.headers)
        path = f"/v1/rooms/{room.json()['data']['id']}"

        async def act(number: int, path: str = path) -> httpx.Response:
            if number == 5:
                return await client.delete(path, headers=ada.headers)
            if number % 2:
                return await client.patch(path, json={"name": "B"}, headers=ada.headers)
            return await client.put(f"{path}/cohosts/{bob.id}", headers=ada.headers)

        assert set(await _all(act, 12)) <= {200, 204, 404}


async def test_meetings_in_a_room_that_goes(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    for _ in range(5):
        room = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=ada.headers)
        room_id = room.json()["data"]["id"]

        async def act(number: int, room_id: str = room_id) -> httpx.Response:
            if number == 5:
                return await client.delete(f"/v1/rooms/{room_id}", headers=ada.headers)
            new = {"title": "T", "hostId": ada.id, "transcriptEnabled": False, "roomId": room_id}
            return await client.post("/meetings/create", json=new, headers=ada.headers)

        assert set(await _all(act, 12)) <= {201, 204, 404}


async def test_a_session_is_logged_out_once_or_more(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")

    async def leave(_number: int) -> httpx.Response:
        return await client.post("/v1/auth/logout", headers=ada.headers)

    answers = await _all(leave, 20)
    assert answers[200] >= 1 and set(answers) <= {200, 401}
    assert (await client.get("/v1/users/me", headers=ada.headers)).status_code == 401


async def test_a_password_is_changed_by_one(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")

    async def change(number: int) -> httpx.Response:
        body = {"currentPassword": "password of ada", "newPassword": f"another one {number}"}
        return await client.post("/v1/auth/change-password", json=body, headers=ada.headers)

    answers = await asyncio.gather(*(change(number) for number in range(8)))
    winners = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert len(winners) == 1 and {answer.status_code for answer in answers} <= {200, 401, 403}
    for number in range(8):
        login = {"userName": ada.email, "password": f"another one {number}"}
        answer = await client.post("/auth/login", json=login, headers={"x-api-key": ada.headers["x-api-key"]})
        assert (answer.status_code == 200) == (number in winners)


async def test_a_link_to_a_password_works_once(client: httpx.AsyncClient, services: Services, person: Any) -> None:
    ada = await person("ada")
    now = clock.now_ms()

    async def ask(number: int) -> None:
        async with services.db.session() as session:
            await auth_store.add_reset(session, _digest(f"t{number}"), ada.id, now=now, expires_at=now + 60_000)

    await asyncio.gather(*(ask(number) for number in range(8)))
    assert await _count(services, PasswordReset) == 1
    async with services.db.session() as session:
        await session.execute(delete(PasswordReset))
    await ask(0)

    async def reset(number: int) -> httpx.Response:
        body = {"token": "t0", "newPassword": f"another one {number}"}
        return await client.post("/v1/auth/reset-password", json=body, headers={"x-api-key": ada.headers["x-api-key"]})

    answers = await _all(reset, 6)
    assert answers[200] == 1 and max(answers) < 500


async def test_a_room_is_made_once(services: Services, backend: Any) -> None:
    principal = await services.auth.authenticate(backend.headers["x-api-key"], None)
    ends = await asyncio.gather(*(services.rooms.ensure(principal, "standing-room") for _ in range(12)))
    assert sum(made for _room, made in ends) == 1
    assert {room.id for room, _made in ends} == {"standing-room"}


async def test_servers_that_start_together(tmp_path: Any, new_database: Callable[[], str]) -> None:
    url = SecretStr(new_database())
    secret = SecretStr("s" * 32)
    apps = [
        create_app(Settings(data_dir=tmp_path / str(number), database_url=url, secret=secret)) for number in range(4)
    ]

    async def start(services: Services) -> None:
        await services.tenants.default()
        await services.tenants.ensure_web_keys()

    await asyncio.gather(*(start(app.services) for app in apps))
    assert await _count(apps[0].services, Tenant) == await _count(apps[0].services, ApiKey) == 1
    for app in apps:
        app.services.auth.close()
        await app.services.db.close()
