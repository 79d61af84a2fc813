"""The audit log: one record of each sensitive action, failures too; nobody changes it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from rostrum.kit.db import Database
from rostrum.services import Services
from rostrum.settings import Settings
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

ROOM = {"name": "R", "type": "webinar"}


async def _log(client: httpx.AsyncClient, who: Any, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/audit-log", params=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    records: list[dict[str, Any]] = answer.json()["data"]
    return records


async def test_a_record_tells_all(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    tenant = await services.tenants.default()
    boss, ada = await person("boss", admin=True), await person("ada")
    made = await client.post("/room/create", json=ROOM, headers=ada.headers)
    [record] = await _log(client, boss, action="room.create")
    assert record.pop("id")
    assert record.pop("time").endswith("Z")
    assert record == {
        "tenant": tenant.id,
        "user": ada.id,
        "action": "room.create",
        "resource": f"room:{made.json()['data']['id']}",
        "outcome": "success",
        "code": None,
        "address": "127.0.0.1",
        "requestId": made.headers["x-request-id"],
    }


async def test_each_sensitive_action_leaves_one_record(
    client: httpx.AsyncClient, person: Any, visitor: Any, services: Services
) -> None:
    boss, ada = await person("boss", admin=True), await person("ada")
    login = {"userName": ada.email, "password": "password of ada"}
    registration = {
        "email": "new@example.org", "fName": "N", "lName": "N", "phoneNumber": "12345", "country": "PK",
        "password": "long enough",
    }  # fmt: skip
    for _ in range(2):
        await client.post("/auth/register", json=registration, headers=visitor.headers)
    await client.post("/auth/login", json=login, headers=visitor.headers)
    await client.post("/auth/login", json={**login, "password": "wrong"}, headers=visitor.headers)
    await client.post("/auth/login", json={**login, "userName": "nobody@example.org"}, headers=visitor.headers)
    await client.post("/v1/auth/refresh", headers=ada.headers)
    change = {"currentPassword": "password of ada", "newPassword": "another one"}
    await client.post("/v1/auth/change-password", json={**change, "currentPassword": "no"}, headers=ada.headers)
    fresh = await client.post("/v1/auth/change-password", json=change, headers=ada.headers)
    headers = {**visitor.headers, "authorization": f"Bearer {fresh.json()['data']['token']}"}
    room = (await client.post("/room/create", json=ROOM, headers=headers)).json()["data"]["id"]
    await client.post("/room/create", json=ROOM, headers=visitor.headers)  # Refused at the door: no action began.
    await client.post(f"/v1/rooms/{room}/invitations", json={"role": "viewer"}, headers=headers)
    await client.post(f"/v1/rooms/{room}/invitations", json={"role": "viewer"}, headers=visitor.headers)
    await client.post("/v1/auth/forgot-password", json={"email": ada.email}, headers=visitor.headers)
    wrong = {"token": "wrong", "newPassword": "long enough"}
    await client.post("/v1/auth/reset-password", json=wrong, headers=visitor.headers)
    await client.get("/v1/users/me/export", headers=headers)
    await client.request("DELETE", "/v1/users/me", json={"password": "another one"}, headers=headers)
    key = await services.tenants.create_key(visitor.id, "secret", "audited")
    await services.tenants.revoke_key(key.id)
    told = [(record["action"], record["outcome"], record["code"]) for record in await _log(client, boss, limit=200)]
    assert told[::-1][-17:] == [
        ("user.register", "success", None),
        ("user.register", "failure", "email_taken"),
        ("auth.login", "success", None),
        ("auth.login", "failure", "invalid_credentials"),
        ("auth.login", "failure", "invalid_credentials"),
        ("auth.refresh", "success", None),
        ("password.change", "failure", "wrong_password"),
        ("password.change", "success", None),
        ("room.create", "success", None),
        ("room.invite", "success", None),
        ("room.invite", "failure", "forbidden"),
        ("password.forgot", "success", None),
        ("password.reset", "failure", "invalid_reset_token"),
        ("user.export", "success", None),
        ("user.delete", "success", None),
        ("key.create", "success", None),
        ("key.revoke", "success", None),
    ]


async def test_an_administrator_reads_the_own_tenant_alone(
    client: httpx.AsyncClient, person: Any, services: Services
) -> None:
    await services.tenants.create("other")
    boss, eve = await person("boss", admin=True), await person("eve", tenant="other", admin=True)
    await client.post("/room/create", json=ROOM, headers=eve.headers)
    assert await _log(client, boss, action="room.create") == []
    assert len(await _log(client, eve, action="room.create")) == 1


async def test_filters_and_pages(client: httpx.AsyncClient, person: Any) -> None:
    boss, ada = await person("boss", admin=True), await person("ada")
    for _ in range(5):
        await client.post("/room/create", json=ROOM, headers=ada.headers)
    everything = await _log(client, boss, user=ada.id)
    assert len(everything) == 5
    paged: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get("/v1/audit-log", params={"user": ada.id, "limit": 2, **cursor}, headers=boss.headers)
        paged += answer.json()["data"]
        if "x-next-cursor" not in answer.headers:
            break
        cursor = {"cursor": answer.headers["x-next-cursor"]}
    assert paged == everything
    window = {"since": everything[-1]["time"], "until": everything[0]["time"]}
    assert await _log(client, boss, user=ada.id, **window) == everything
    assert await _log(client, boss, until="2020-01-01") == []
    assert await _log(client, boss, outcome="failure") == []
    for field in ("since", "until"):
        answer = await client.get("/v1/audit-log", params={field: "x' OR 1=1"}, headers=boss.headers)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("statement", ["UPDATE audit_records SET outcome = 'success'", "DELETE FROM audit_records"])
async def test_the_database_refuses_to_change_it(services: Services, person: Any, statement: str) -> None:
    await person("ada")
    db: Database = services.db
    with pytest.raises(IntegrityError, match="append-only"):
        async with db.session() as session:
            await session.execute(text(statement))


async def test_an_action_that_is_rolled_back_leaves_no_success(services: Services, backend: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with services.db.session():
            await services.tenants.create("gone")
            raise ZeroDivisionError
    async with services.db.reading() as session:
        rows = (await session.execute(text("SELECT action FROM audit_records"))).scalars().all()
    assert rows.count("tenant.create") == 1  # The default tenant's.


async def test_a_flood_of_tries_is_no_flood_of_records(client: httpx.AsyncClient, person: Any, visitor: Any) -> None:
    boss = await person("boss", admin=True)
    login = {"userName": "nobody@example.org", "password": "wrong"}
    for _ in range(20):
        await client.post("/auth/login", json=login, headers=visitor.headers)
    codes = [record["code"] for record in await _log(client, boss, action="auth.login")]
    assert codes.count("invalid_credentials") == 10
    assert codes.count("rate_limited") == 1


class TestShipping:
    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        return settings.model_copy(update={"audit_log": str(tmp_path / "audit.jsonl")})

    async def test_records_are_shipped_as_json_lines(
        self, client: httpx.AsyncClient, person: Any, tmp_path: Path
    ) -> None:
        boss, ada = await person("boss", admin=True), await person("ada")
        await client.post("/room/create", json=ROOM, headers=ada.headers)
        lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
        assert [line for line in lines if line["action"] == "room.create"] == await _log(
            client, boss, action="room.create"
        )


async def test_what_breaks_is_a_failure_too(services: Services, visitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_args: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(services.auth.passwords, "verify", broken)
    with pytest.raises(RuntimeError):
        await services.auth.login(visitor.id, "ada@example.org", "x", address="127.0.0.1")
    records, _ = await services.audit.page(visitor.id, equal={"action": "auth.login"})
    assert [(record.outcome, record.code) for record in records] == [("failure", "internal")]
