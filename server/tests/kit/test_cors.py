"""Which pages of other origins may call the server (S19), and that what is written comes back unchanged (S26)."""

from typing import Any

import httpx
import pytest
from rostrum.services import Services

PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key,content-type"}


class TestAllowed:
    @pytest.fixture
    def settings(self, settings: Any) -> Any:
        return settings.model_copy(update={"allowed_origins": ["https://good.example"]})

    async def test_only_the_named_origin_is_let_in(self, client: httpx.AsyncClient, backend: Any) -> None:
        for origin, allowed in (
            ("https://good.example", True),
            ("https://good.example.evil.example", False),
            ("http://good.example", False),
            ("https://evil.example", False),
            ("null", False),
        ):
            asked = await client.options("/room/create", headers={"origin": origin, **PREFLIGHT})
            answer = await client.get("/v1/features", headers={**backend.headers, "origin": origin})
            for got in (asked, answer):
                assert ("access-control-allow-origin" in got.headers) is allowed, origin
                assert got.headers.get("access-control-allow-origin") != "*"
                assert "access-control-allow-credentials" not in got.headers

    async def test_a_page_reads_the_facts_of_a_download(self, client: httpx.AsyncClient, backend: Any) -> None:
        page = {"origin": "https://good.example"}
        wanted = "authorization,if-none-match,if-range,range,x-api-key"
        asked = await client.options(
            "/v1/features",
            headers={**page, "access-control-request-method": "GET", "access-control-request-headers": wanted},
        )
        assert asked.status_code == 200
        answer = await client.get("/v1/features", headers={**backend.headers, **page})
        told = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"content-disposition", "content-range", "etag", "x-next-cursor"} <= told


async def test_no_credential_travels_by_itself(client: httpx.AsyncClient, person: Any) -> None:
    """Nothing is kept in cookies: a page of another site that posts here has no key and no token with it (CSRF)."""
    ada = await person("ada")
    login = {"userName": ada.email, "password": "password of ada"}
    answer = await client.post("/auth/login", json=login, headers=ada.headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    form = await client.post("/room/create", data={"name": "R", "type": "webinar"})
    assert form.status_code == 401


@pytest.mark.parametrize(
    "name", ["Zoë", "محمد", "李雷", "👩‍👩‍👧‍👦", "O'Brien; DROP TABLE users--", "a\u0301", "ﬀ", "İ"]
)
async def test_text_comes_back_as_it_was(
    client: httpx.AsyncClient, visitor: Any, services: Services, name: str
) -> None:
    body = {
        "email": "u@example.org", "fName": name, "lName": name, "phoneNumber": "12345", "country": "Türkiye",
        "password": f"pass {name} word",
    }  # fmt: skip
    made = await client.post("/auth/register", json=body, headers=visitor.headers)
    assert made.status_code == 201
    login = {"userName": "U@EXAMPLE.org", "password": body["password"]}
    done = (await client.post("/auth/login", json=login, headers=visitor.headers)).json()["data"]
    headers = {**visitor.headers, "authorization": f"Bearer {done['token']}"}
    me = (await client.get("/v1/users/me", headers=headers)).json()["data"]
    assert (me["fName"], me["lName"], me["_id"]) == (name, name, made.json()["data"]["user"]["_id"])
    room = await client.post("/room/create", json={"name": name, "type": "webinar"}, headers=headers)
    read = await client.get(f"/v1/rooms/{room.json()['data']['id']}", headers=headers)
    assert read.json()["data"]["name"] == name
