"""Sockets of sessions that have ended and of keys that were revoked."""

import asyncio
from typing import Any

import httpx
import pytest
from rostrum.auth import sockets
from rostrum.kit.db import DatabaseUnavailable
from sqlalchemy import text


async def _post(hall: Any, path: str, token: str, body: Any = None) -> httpx.Response:
    headers = {"x-api-key": await hall.key(), "authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=hall.url) as client:
        return await client.post(path, json=body, headers=headers)


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
