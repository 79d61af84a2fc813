"""Sockets of sessions that have ended, and what the audit log hears of live rooms."""

import asyncio
from typing import Any

import httpx
from rostrum.services import Services


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
