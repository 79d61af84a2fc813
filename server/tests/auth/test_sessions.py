"""Sessions: refresh, logout, another password, a forgotten one; what is refused from then on."""

import re
from typing import Any

import httpx
import pytest
from rostrum.auth import SessionsEnded
from rostrum.kit import clock
from rostrum.services import Services
from rostrum.settings import Settings

PASSWORD = "password of ada"
NEW = "another password"


async def _me(client: httpx.AsyncClient, key: dict[str, str], token: str) -> int:
    headers = {"x-api-key": key["x-api-key"], "authorization": f"Bearer {token}"}
    return (await client.get("/v1/users/me", headers=headers)).status_code


async def _login(client: httpx.AsyncClient, who: Any, password: str = PASSWORD) -> httpx.Response:
    body = {"userName": who.email, "password": password}
    return await client.post("/v1/auth/login", json=body, headers={"x-api-key": who.headers["x-api-key"]})


async def test_me(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    answer = await client.get("/v1/users/me", headers=ada.headers)
    assert answer.json()["data"] == {
        "_id": ada.id, "email": "ada@example.org", "fName": "Ada", "lName": "Test", "roles": ["user"],
    }  # fmt: skip


async def test_refresh_gives_another_token_and_keeps_the_old_one(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    answer = await client.post("/v1/auth/refresh", headers=ada.headers)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["tokenType"] == "Bearer"
    assert data["expiresIn"] == 43_200
    assert data["token"] != ada.token
    assert [await _me(client, ada.headers, token) for token in (ada.token, data["token"])] == [200, 200]


class TestAge:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"session_days": 2})

    async def test_a_session_cannot_be_refreshed_for_ever(
        self, client: httpx.AsyncClient, person: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = await person("ada")
        start = clock.now_ms()
        headers = dict(ada.headers)
        answers = []
        for half_day in range(1, 6):
            monkeypatch.setattr(clock, "now_ms", lambda passed=half_day: start + passed * 43_200_000 - 10_000)
            monkeypatch.setattr("jwt.api_jwt.datetime", _Clock)
            answers.append(await client.post("/v1/auth/refresh", headers=headers))
            if answers[-1].status_code == 200:
                headers["authorization"] = f"Bearer {answers[-1].json()['data']['token']}"
        assert [answer.status_code for answer in answers] == [200] * 4 + [401]
        assert answers[-1].json()["code"] == "session_too_old"


class _Clock:
    """The clock that the token library reads."""

    @staticmethod
    def now(tz: Any = None) -> Any:
        from datetime import datetime

        return datetime.fromtimestamp(clock.now_ms() / 1000, tz)


async def test_logout_ends_the_session_and_no_other(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    refreshed = (await client.post("/v1/auth/refresh", headers=ada.headers)).json()["data"]["token"]
    other = (await _login(client, ada)).json()["data"]["token"]
    assert (await client.post("/v1/auth/logout", headers=ada.headers)).status_code == 200
    statuses = [await _me(client, ada.headers, token) for token in (ada.token, refreshed, other)]
    assert statuses == [401, 401, 200]
    again = await client.post("/v1/auth/logout", headers=ada.headers)
    assert (again.status_code, again.json()["code"]) == (401, "invalid_token")


async def test_a_logout_survives_a_restart(client: httpx.AsyncClient, person: Any, services: Services) -> None:
    ada = await person("ada")
    await client.post("/v1/auth/logout", headers=ada.headers)
    services.auth.standings._known.clear()
    assert await _me(client, ada.headers, ada.token) == 401


async def test_change_of_password_ends_all_tokens_but_the_answer(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    other = (await _login(client, ada)).json()["data"]["token"]
    wrong = {"currentPassword": "no", "newPassword": NEW}
    answer = await client.post("/v1/auth/change-password", json=wrong, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    answer = await client.post("/v1/auth/change-password", json=body, headers=ada.headers)
    assert answer.status_code == 200
    fresh = answer.json()["data"]["token"]
    assert [await _me(client, ada.headers, token) for token in (ada.token, other, fresh)] == [401, 401, 200]
    assert (await _login(client, ada)).status_code == 401
    assert (await _login(client, ada, NEW)).status_code == 200


async def test_the_present_password_cannot_be_guessed(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    body = {"currentPassword": "no", "newPassword": NEW}
    answers = [await client.post("/v1/auth/change-password", json=body, headers=ada.headers) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 900


class TestForgotten:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"open_rooms": True, "forgot_limit_address": "30/hour"})

    @pytest.fixture(autouse=True)
    def _terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.terminal = capsys

    async def _link(self, client: httpx.AsyncClient, services: Services, who: Any, email: str | None = None) -> Any:
        body = {"email": email or who.email}
        answer = await client.post("/v1/auth/forgot-password", json=body, headers=who.headers)
        await services.account.settle()
        return answer, re.findall(r"new password: (\S+)", self.terminal.readouterr().err)

    async def test_the_link_sets_a_password_once(
        self, client: httpx.AsyncClient, services: Services, person: Any
    ) -> None:
        ada = await person("ada")
        answer, links = await self._link(client, services, ada, "ADA@example.org")
        assert answer.status_code == 200
        link = re.fullmatch(r"http://localhost:21900/reset-password#k=rk_pub_[\w-]{43}&token=([\w-]{43})", links[0])
        assert link
        token = link[1]
        body = {"token": token, "newPassword": NEW}
        key = {"x-api-key": ada.headers["x-api-key"]}
        answers = [await client.post("/v1/auth/reset-password", json=body, headers=key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 400]
        assert answers[1].json()["code"] == "invalid_reset_token"
        assert await _me(client, ada.headers, ada.token) == 401
        assert (await _login(client, ada, NEW)).status_code == 200

    async def test_an_unknown_address_gets_the_same_answer(
        self, client: httpx.AsyncClient, services: Services, person: Any
    ) -> None:
        ada = await person("ada")
        known, links = await self._link(client, services, ada)
        unknown, none = await self._link(client, services, ada, "nobody@example.org")
        assert known.json() == unknown.json()
        assert (len(links), len(none)) == (1, 0)

    async def test_an_old_link_and_one_of_another_tenant_do_nothing(
        self, client: httpx.AsyncClient, services: Services, person: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await services.tenants.create("other")
        ada, eve = await person("ada"), await person("eve", tenant="other")
        _, links = await self._link(client, services, ada)
        body = {"token": links[0].rpartition("=")[2], "newPassword": NEW}
        foreign = {"x-api-key": eve.headers["x-api-key"]}
        assert (await client.post("/v1/auth/reset-password", json=body, headers=foreign)).status_code == 400
        later = clock.now_ms() + 3_601_000
        monkeypatch.setattr(clock, "now_ms", lambda: later)
        own = {"x-api-key": ada.headers["x-api-key"]}
        assert (await client.post("/v1/auth/reset-password", json=body, headers=own)).status_code == 400

    async def test_wishes_are_limited_alike_for_known_and_unknown(
        self, client: httpx.AsyncClient, services: Services, person: Any
    ) -> None:
        ada = await person("ada")
        for email in (ada.email, "nobody@example.org"):
            statuses = [(await self._link(client, services, ada, email))[0].status_code for _ in range(11)]
            assert statuses.count(200) == 10
            assert statuses[-1] == 429


async def test_the_end_of_an_account(client: httpx.AsyncClient, services: Services, person: Any) -> None:
    ada, boss = await person("ada"), await person("boss", admin=True)
    room = (await client.post("/room/create", json={"name": "R", "type": "webinar"}, headers=ada.headers)).json()
    room_id = room["data"]["id"]
    exported = (await client.get("/v1/users/me/export", headers=ada.headers)).json()["data"]
    assert exported["user"]["email"] == ada.email
    assert exported["user"]["phoneNumber"] == "12345"
    assert [owned["id"] for owned in exported["rooms"]["owned"]] == [room_id]
    assert set(exported) >= {"user", "rooms", "chat", "sessions"}
    assert "argon2" not in str(exported)
    ended: list[SessionsEnded] = []

    async def note(fact: SessionsEnded) -> None:
        ended.append(fact)

    services.events.subscribe(SessionsEnded, note)
    wrong = await client.request("DELETE", "/v1/users/me", json={"password": "no"}, headers=ada.headers)
    assert wrong.status_code == 403
    done = await client.request("DELETE", "/v1/users/me", json={"password": PASSWORD}, headers=ada.headers)
    assert done.status_code == 200
    assert ended == [SessionsEnded(ada.id)]
    assert await _me(client, ada.headers, ada.token) == 401
    assert (await _login(client, ada)).status_code == 401
    # The room has become the tenant's: its administrator still is a host of it.
    path = f"/v1/rooms/{room_id}/invitations"
    assert (await client.post(path, json={"role": "viewer"}, headers=boss.headers)).status_code == 201
    # The address is free again, and whoever takes it gets nothing of before.
    again = await person("ada")
    assert (await client.post(path, json={"role": "viewer"}, headers=again.headers)).status_code == 403
