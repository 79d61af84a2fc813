"""Register and login over REST, as the original contract shows them."""

import time
from typing import Any

import httpx
import pytest
from rostrum.services import Services

BODY = {
    "email": "haseeb@altegon.com",
    "fName": "Haseeb",
    "lName": "Asif",
    "phoneNumber": "923085000453",
    "country": "Pakistan",
    "password": "AB1239001",
}


@pytest.fixture
async def registered(client: httpx.AsyncClient, visitor: Any) -> dict[str, Any]:
    answer = await client.post("/auth/register", json=BODY, headers=visitor.headers)
    assert answer.status_code == 201
    user: dict[str, Any] = answer.json()["data"]["user"]
    return user


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_registers_as_documented(client: httpx.AsyncClient, visitor: Any, prefix: str) -> None:
    answer = await client.post(f"{prefix}/auth/register", json=BODY, headers=visitor.headers)
    assert answer.status_code == 201
    body = answer.json()
    user_id = body["data"]["user"].pop("_id")
    assert len(user_id) == 24
    assert int(user_id, 16)
    assert body == {
        "success": True,
        "message": "User created successfully",
        "data": {"user": {"fName": "Haseeb", "lName": "Asif", "email": "haseeb@altegon.com"}},
    }


async def test_refuses_a_known_address_in_any_case(
    client: httpx.AsyncClient, visitor: Any, registered: dict[str, Any]
) -> None:
    answer = await client.post("/auth/register", json={**BODY, "email": "HASEEB@Altegon.com"}, headers=visitor.headers)
    assert answer.status_code == 409
    assert answer.json()["code"] == "email_taken"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", 5),
        ("password", "short"),
        ("password", "x" * 300),
        ("fName", ""),
        ("fName", "a\u0000b"),
        ("lName", "x" * 101),
        ("lName", "\u202eevil"),
        ("phoneNumber", "call me"),
        ("country", None),
    ],
)
async def test_names_the_invalid_field(client: httpx.AsyncClient, visitor: Any, field: str, value: object) -> None:
    answer = await client.post("/auth/register", json={**BODY, field: value}, headers=visitor.headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "Value error" not in answer.text


async def test_extra_fields_grant_nothing(client: httpx.AsyncClient, visitor: Any, services: Services) -> None:
    body = {**BODY, "roles": ["admin"], "role": "admin", "tenant": "other", "_id": "0" * 24}
    await client.post("/auth/register", json=body, headers=visitor.headers)
    user = await services.auth.find(visitor.id, BODY["email"])
    assert user is not None
    assert user.roles == ("user",)
    assert user.id != "0" * 24


async def test_needs_a_key(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"x-api-key": "rk_pub_wrong"}, {"x-api-key": "x" * 5000}):
        answer = await client.post("/auth/register", json=BODY, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == "invalid_api_key"


@pytest.mark.parametrize("field", ["userName", "email"])
async def test_logs_in(client: httpx.AsyncClient, visitor: Any, registered: dict[str, Any], field: str) -> None:
    body = {field: "Haseeb@altegon.com", "password": BODY["password"]}
    answer = await client.post("/auth/login", json=body, headers=visitor.headers)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert answer.json()["success"] is True
    assert data["tokenType"] == "Bearer"
    assert data["expiresIn"] == 43_200
    assert data["user"] == {**registered, "roles": ["user"]}
    made = await client.post(
        "/room/create",
        json={"name": "Mine", "type": "webinar"},
        headers={**visitor.headers, "authorization": f"Bearer {data['token']}"},
    )
    assert made.status_code == 201


async def test_an_unknown_user_looks_like_a_wrong_password(
    client: httpx.AsyncClient, visitor: Any, registered: dict[str, Any]
) -> None:
    async def attempt(user: str) -> tuple[dict[str, Any], float]:
        started = time.perf_counter()
        answer = await client.post("/auth/login", json={"userName": user, "password": "x"}, headers=visitor.headers)
        assert answer.status_code == 401
        body: dict[str, Any] = answer.json()
        body.pop("requestId")
        return body, time.perf_counter() - started

    await attempt("first@example.org")  # The first unknown user makes the decoy hash.
    unknown = [await attempt(f"nobody{number}@example.org") for number in range(5)]
    wrong = [await attempt(BODY["email"]) for _ in range(5)]
    assert {str(body) for body, _ in unknown} == {str(body) for body, _ in wrong}
    assert min(took for _, took in unknown) > min(took for _, took in wrong) / 2


async def test_ten_failures_lock_the_account_for_a_while(
    client: httpx.AsyncClient, visitor: Any, registered: dict[str, Any]
) -> None:
    for _ in range(10):
        answer = await client.post(
            "/auth/login", json={"userName": BODY["email"], "password": "wrong"}, headers=visitor.headers
        )
        assert answer.status_code == 401
    # Not even the right password gets in now, nor does another spelling or a made-up address help.
    answer = await client.post(
        "/auth/login",
        json={"userName": BODY["email"].upper(), "password": BODY["password"]},
        headers={**visitor.headers, "x-forwarded-for": "203.0.113.9"},
    )
    assert answer.status_code == 429
    assert answer.json()["code"] == "rate_limited"
    assert 0 < int(answer.headers["retry-after"]) <= 900


async def test_a_success_forgets_the_failures(
    client: httpx.AsyncClient, visitor: Any, registered: dict[str, Any]
) -> None:
    for _ in range(3):
        for _ in range(4):
            answer = await client.post("/auth/login", json={**BODY, "password": "wrong"}, headers=visitor.headers)
            assert answer.status_code == 401
        answer = await client.post("/auth/login", json=BODY, headers=visitor.headers)
        assert answer.status_code == 200


async def test_the_same_person_may_exist_in_two_tenants(services: Services, person: Any) -> None:
    await services.tenants.create("other")
    here, there = await person("ada"), await person("ada", tenant="other")
    assert here.id != there.id


async def test_features_follow_the_package(client: httpx.AsyncClient, visitor: Any) -> None:
    answer = await client.get("/v1/features", headers=visitor.headers)
    assert answer.status_code == 200
    assert answer.json()["data"]["package"] == "professional"
    assert answer.json()["data"]["features"]["chat"] is True
