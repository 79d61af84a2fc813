"""The audit log: one record of each sensitive action, failures too; nobody changes it."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from rostrum.audit import Shipper, Watched, writer
from rostrum.auth.errors import EmailTaken
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.kit.errors import InvalidInput
from rostrum.rooms import NewRoom
from rostrum.rooms.errors import RoomExists
from rostrum.services import Services
from rostrum.settings import Settings
from rostrum.tenants.errors import ApiKeyNotFound, TenantExists
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


CHANGES = [
    {"sqlite": "UPDATE audit_records SET outcome = 'success'"},
    {"sqlite": "DELETE FROM audit_records"},
    {
        "sqlite": "INSERT OR REPLACE INTO audit_records SELECT * FROM audit_records",
        "postgresql": "INSERT INTO audit_records SELECT * FROM audit_records "
        "ON CONFLICT (position) DO UPDATE SET outcome = 'success'",
    },
    {
        "sqlite": "INSERT OR REPLACE INTO audit_records SELECT position + 1000, id, tenant_id, at, actor, action, "
        "resource, outcome, code, address, request_id FROM audit_records",
        "postgresql": "TRUNCATE audit_records",
    },
]


@pytest.mark.parametrize("statements", CHANGES)
async def test_the_database_refuses_to_change_it(services: Services, person: Any, statements: dict[str, str]) -> None:
    await person("ada")
    db: Database = services.db
    statement = statements["sqlite"] if db.is_sqlite else statements.get("postgresql", statements["sqlite"])
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


def _shipped(path: Path) -> list[str]:
    return [json.loads(line)["action"] for line in path.read_text().splitlines()]


class TestShipping:
    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        return settings.model_copy(update={"audit_log": str(tmp_path / "audit.jsonl")})

    async def test_records_are_shipped_as_json_lines(
        self, client: httpx.AsyncClient, person: Any, services: Services, tmp_path: Path
    ) -> None:
        boss, ada = await person("boss", admin=True), await person("ada")
        await client.post("/room/create", json=ROOM, headers=ada.headers)
        await services.audit.settle()
        lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
        assert [line for line in lines if line["action"] == "room.create"] == await _log(
            client, boss, action="room.create"
        )
        # What a rotation has renamed is begun anew, and a line on its way then goes to the one or the other.
        await services.audit.settle()
        assert _shipped(tmp_path / "audit.jsonl")[-1] == "audit.read"
        (tmp_path / "audit.jsonl").rename(tmp_path / "audit.jsonl.1")
        await client.post("/room/create", json=ROOM, headers=ada.headers)
        await services.audit.settle()
        assert _shipped(tmp_path / "audit.jsonl") == ["room.create"]


class TestShippingToAFullDisk:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"audit_log": "/dev/full"})

    async def test_fails_no_action(self, client: httpx.AsyncClient, person: Any) -> None:
        boss, ada = await person("boss", admin=True), await person("ada")
        assert (await client.post("/room/create", json=ROOM, headers=ada.headers)).status_code == 201
        assert len(await _log(client, boss, action="room.create")) == 1


def test_a_line_that_the_disk_has_cut_off_spoils_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipper = Shipper(str(tmp_path / "audit.jsonl"))
    real, room = os.write, [5]

    def short(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[: room.pop()] if room else data)

    monkeypatch.setattr(os, "write", short)
    for number in range(3):
        shipper.ship({"id": number, "user": "\udc80"})
        shipper.close()
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert len(lines) == 3
    assert [json.loads(line)["id"] for line in lines[1:]] == [1, 2]


async def test_the_order_is_that_of_writing_whatever_the_clock_says(
    client: httpx.AsyncClient, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss, ada = await person("boss", admin=True), await person("ada")
    now = clock.now_ms()
    made = []
    for moment in (now, now - 86_400_000, now + 600_000):
        monkeypatch.setattr(clock, "now_ms", lambda moment=moment: moment)
        answer = await client.post("/room/create", json=ROOM, headers=ada.headers)
        made.append(f"room:{answer.json()['data']['id']}")
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    assert [record["resource"] for record in await _log(client, boss, action="room.create")] == made[::-1]


class TestDatabaseAway:
    @pytest.fixture
    def away(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
        """The database, for whoever writes records; it answers once this is set."""
        back = asyncio.Event()
        real = services.db.session

        def session() -> Any:
            if not back.is_set():
                raise DatabaseUnavailable()
            return real()

        monkeypatch.setattr(services.db, "session", session)
        monkeypatch.setattr(writer, "RETRY_SECONDS", 0.02)
        return back

    async def test_what_cannot_be_recorded_is_not_done(self, services: Services, away: asyncio.Event) -> None:
        with pytest.raises(DatabaseUnavailable):
            await services.audit.record("room.invite", tenant_id="t", actor="a")
        away.set()
        assert await _actions(services) == []

    async def test_what_nobody_waits_for_is_recorded_when_it_is_back(
        self, services: Services, away: asyncio.Event
    ) -> None:
        services.audit.later(Watched("room.end", "t", "a", "room:r"))
        with pytest.raises(InvalidInput):
            async with services.audit.watch("room.change", tenant_id="t", actor="a"):
                raise InvalidInput()
        await asyncio.sleep(0.1)
        away.set()
        async with asyncio.timeout(5):
            while len(told := await _actions(services)) < 2:
                await asyncio.sleep(0.02)
        assert told == [("room.end", "success"), ("room.change", "failure")]

    async def test_the_server_stops_although_it_is_away(self, services: Services, away: asyncio.Event) -> None:
        services.audit.later(Watched("room.end", "t", "a", "room:r"))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await services.audit.close()
        away.set()
        assert await _actions(services) == []

    async def test_memory_is_bounded(
        self, services: Services, away: asyncio.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "MOST_WAITING", 3)
        for number in range(5):
            services.audit.later(Watched("room.end", "t", "a", f"room:{number}"))
        away.set()
        await services.audit.settle()
        assert len(await _actions(services)) == 3


async def _actions(services: Services) -> list[tuple[str, str]]:
    """What the tenant t has in its log, oldest first."""
    records, _ = await services.audit.page("t", equal={})
    return [(record.action, record.outcome) for record in records][::-1]


async def test_records_without_a_transaction_share_commits(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    real = services.db.session

    def session() -> Any:
        commits.append(1)
        return real()

    monkeypatch.setattr(services.db, "session", session)
    await asyncio.gather(*(services.audit.record("auth.login", tenant_id="t", actor=str(n)) for n in range(200)))
    records, _ = await services.audit.page("t", equal={}, limit=300)
    assert len(records) == 200
    assert len(commits) <= 3


async def test_a_record_that_cannot_be_written_costs_only_itself(services: Services) -> None:
    async def record(actor: str) -> None:
        await services.audit.record("auth.login", tenant_id="t", actor=actor)

    done = await asyncio.gather(record("a"), record("b"), record("\ud800"), record("c"), return_exceptions=True)
    assert [type(error) for error in done if error is not None] != []
    records, _ = await services.audit.page("t", equal={})
    assert {record.actor for record in records} == {"a", "b", "c"}


async def test_what_breaks_is_a_failure_too(services: Services, visitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_args: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(services.auth.passwords, "verify", broken)
    with pytest.raises(RuntimeError):
        await services.auth.login(visitor.id, "ada@example.org", "x", address="127.0.0.1")
    records, _ = await services.audit.page(visitor.id, equal={"action": "auth.login"})
    assert [(record.outcome, record.code) for record in records] == [("failure", "internal")]


async def test_what_the_command_line_does_and_fails_to_do(services: Services, person: Any) -> None:
    ada = await person("ada")
    tenant = await services.tenants.default()
    key = await services.tenants.create_key(tenant.id, "secret", "audited")
    await services.tenants.revoke_key(key.id)
    with pytest.raises(EmailTaken):
        await person("ada")
    with pytest.raises(TenantExists):
        await services.tenants.create("default")
    with pytest.raises(ApiKeyNotFound):
        await services.tenants.revoke_key("0" * 24)
    async with services.db.reading() as session:
        query = "SELECT action, actor, resource, outcome, code, tenant_id FROM audit_records ORDER BY position"
        rows = [tuple(row) for row in await session.execute(text(query))]
    assert rows == [
        ("tenant.create", "operator", f"tenant:{tenant.id}", "success", None, tenant.id),
        ("user.create", "server", f"user:{ada.id}", "success", None, tenant.id),
        ("key.create", "operator", f"key:{key.id}", "success", None, tenant.id),
        ("key.revoke", "operator", f"key:{key.id}", "success", None, tenant.id),
        ("user.create", "server", "", "failure", "email_taken", tenant.id),
        ("tenant.create", "operator", "", "failure", "tenant_exists", None),
        ("key.revoke", "operator", f"key:{'0' * 24}", "failure", "api_key_not_found", None),
    ]


async def test_a_room_that_somebody_else_has_just_made(services: Services, visitor: Any, backend: Any) -> None:
    who = await services.auth.authenticate(backend.headers["x-api-key"], None)
    new = NewRoom(name="A", type="webinar")
    await services.rooms.create(who, new, room_id="same")
    with pytest.raises(RoomExists):
        await services.rooms.create(who, new, room_id="same")
    records, _ = await services.audit.page(visitor.id, equal={"action": "room.create"})
    assert [(record.resource, record.code) for record in records] == [("room:same", "room_exists"), ("room:same", None)]
