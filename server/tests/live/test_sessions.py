"""Sockets of sessions that have ended, and what the audit log hears of live rooms."""

import asyncio
from typing import Any

import httpx
import pytest
from rostrum.auth import sockets
from rostrum.kit.db import DatabaseUnavailable
from rostrum.services import Services
from sqlalchemy import text


async def _post(hall: Any, path: str, token: str, body: Any = None) -> httpx.Response:
    headers = {"x-api-key": await hall.key(), "authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=hall.url) as client:
        return await client.post(path, json=body, headers=headers)


async def _log(services: Services) -> list[tuple[str, str, str, str | None]]:
    """Action, actor, resource and code of all records, oldest first."""
    tenant = await services.tenants.default()
    records, _ = await services.audit.page(tenant.id, equal={}, limit=200)
    return [(record.action, record.actor, record.resource, record.code) for record in records][::-1]


async def test_a_logout_closes_the_sockets_of_its_session_and_no_others(hall: Any) -> None:
    ada, bob = await hall.user("ada"), await hall.user("bob")
    other = (await _post(hall, "/auth/login", ada, {"email": "ada@example.org", "password": "password of ada"})).json()
    room = await hall.room(ada)
    first, second, third = [await hall.client(token) for token in (ada, other["data"]["token"], bob)]
    await first.join(room, "Ada")
    await third.join(room, "Bob")
    assert (await _post(hall, "/v1/auth/logout", ada)).status_code == 200
    assert (await first.hear("roomClosed"))["reason"] == "token_revoked"
    async with asyncio.timeout(5):
        while first.socket.connected:
            await asyncio.sleep(0.02)
    assert second.socket.connected
    assert third.socket.connected
    # Another password ends all that is left.
    change = {"currentPassword": "password of ada", "newPassword": "another password"}
    assert (await _post(hall, "/v1/auth/change-password", other["data"]["token"], change)).status_code == 200
    async with asyncio.timeout(5):
        while second.socket.connected:
            await asyncio.sleep(0.02)
    assert third.socket.connected


async def test_after_another_password_one_is_the_same_participant_with_the_new_token(hall: Any) -> None:
    ada = await hall.user("ada")
    room = await hall.room(ada)
    host = await hall.client(ada)
    before = await host.join(room, "Ada")
    change = {"currentPassword": "password of ada", "newPassword": "another password"}
    fresh = (await _post(hall, "/v1/auth/change-password", ada, change)).json()["data"]["token"]
    assert (await host.hear("roomClosed"))["reason"] == "token_revoked"
    again = await hall.client(fresh)
    after = await again.join(room, "Ada", resume=before["resume"])
    assert (after["id"], after["resumed"], after["role"]) == (before["id"], True, "host")


async def test_a_revoked_key_takes_its_sockets_along(hall: Any) -> None:
    tenants = hall.services.tenants
    tenant = await tenants.default()
    made = await tenants.create_key(tenant.id, "publishable", "kiosk")
    room, host, _viewers = await hall.stage(viewers=0)
    kiosk = await hall.client(key=made.key)
    await kiosk.join(room, "Kiosk")
    await hall.services.sockets.sweep()
    assert kiosk.socket.connected
    await tenants.revoke_key(made.id)
    await hall.services.sockets.sweep()
    assert (await kiosk.hear("roomClosed"))["reason"] == "key_revoked"
    async with asyncio.timeout(5):
        while kiosk.socket.connected:
            await asyncio.sleep(0.02)
    assert host.socket.connected


async def test_the_sweep_goes_on_by_itself_when_the_database_was_away(
    hall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 0.02)
    swept: list[bool] = []

    async def sweep() -> None:
        swept.append(True)
        if len(swept) == 1:
            raise DatabaseUnavailable()

    monkeypatch.setattr(hall.services.sockets, "sweep", sweep)
    await hall.services.sockets.close()
    await hall.services.sockets.start()
    async with asyncio.timeout(5):
        while len(swept) < 3:
            await asyncio.sleep(0.02)


async def test_another_package_counts_for_sockets_that_are_open(hall: Any) -> None:
    tenant = await hall.services.tenants.default()
    client = await hall.client()
    [connection] = [c for c in hall.services.realtime.all() if c.id == client.socket.get_sid()]
    assert connection.principal.package == "professional"
    async with hall.services.db.session() as session:
        await session.execute(text("UPDATE tenants SET package = 'essential' WHERE id = :id"), {"id": tenant.id})
    await hall.services.sockets.sweep()
    assert connection.principal.package == "essential"
    assert client.socket.connected


async def test_the_log_hears_who_reached_for_what_is_not_theirs(hall: Any) -> None:
    room, host, [viewer] = await hall.stage()
    await hall.services.audit.close()
    before = await _log(hall.services)
    for _ in range(50):
        assert (await viewer.call("room:end"))["code"] == "forbidden"
    assert (await viewer.call("peer:remove", {"peerId": host.joined["id"]}))["code"] == "forbidden"
    assert "error" in await viewer.call("connectTransport", {"transport_id": "x" * 8, "dtlsParameters": {}})
    await hall.services.audit.close()
    new = (await _log(hall.services))[len(before) :]
    # Fifty tries within a minute are one record.
    assert [(action, resource, code) for action, _, resource, code in new][:2] == [
        ("signal.room:end", f"room:{room}", "forbidden"),
        ("signal.peer:remove", f"room:{room}", "forbidden"),
    ]
    assert len({actor for _, actor, _, _ in new}) == 1
    assert new[0][1].startswith("guest:")


async def test_the_log_hears_of_roles_removals_and_ends(hall: Any) -> None:
    room, host, [first, second] = await hall.stage(viewers=2)
    request = await first.call("cohost:request")
    await host.call("cohost:respond", {"requestId": request["requestId"], "accepted": True})
    await host.call("peer:remove", {"peerId": second.joined["id"]})
    await host.call("room:end")
    records = [
        record for record in await _log(hall.services) if record[0] in ("role.change", "peer.remove", "room.end")
    ]
    assert [record[0] for record in records] == ["role.change", "peer.remove", "room.end"]
    owner = (await hall.services.auth.find((await hall.services.tenants.default()).id, "host0@example.org")).id
    assert {actor for _, actor, _, _ in records} == {owner}
    assert records[0][2].endswith("/role:cohost")
    assert all(resource.startswith(f"room:{room}") for _, _, resource, _ in records)
