"""Every sensitive endpoint has a limit of its own, by setting; beyond it 429 and when to come back."""

from typing import Any

import httpx
import pytest
from rostrum.settings import Settings

REGISTRATION = {"fName": "N", "lName": "N", "phoneNumber": "12345", "country": "PK", "password": "long enough"}
CASES: list[tuple[str, str, str, Any]] = [
    ("register_limit_address", "POST", "/auth/register", REGISTRATION),
    ("login_limit_address", "POST", "/auth/login", {"userName": "n@example.org", "password": "x"}),
    ("login_limit_account", "POST", "/auth/login", {"userName": "n@example.org", "password": "x"}),
    ("refresh_limit_user", "POST", "/v1/auth/refresh", None),
    ("password_limit_user", "POST", "/v1/auth/change-password", {"currentPassword": "x", "newPassword": "long enough"}),
    ("password_limit_user", "DELETE", "/v1/users/me", {"password": "x"}),
    ("forgot_limit_account", "POST", "/v1/auth/forgot-password", {"email": "n@example.org"}),
    ("forgot_limit_address", "POST", "/v1/auth/forgot-password", {"email": "n@example.org"}),
    ("reset_limit_address", "POST", "/v1/auth/reset-password", {"token": "x", "newPassword": "long enough"}),
    ("export_limit_user", "GET", "/v1/users/me/export", None),
    ("room_limit_user", "POST", "/room/create", {"name": "R", "type": "webinar"}),
    ("invite_limit_user", "POST", "/v1/rooms/{room_id}/invitations", {"role": "viewer"}),
    ("guest_limit_address", "POST", "/v1/rooms/{room_id}/guest-token", {"name": "G"}),
    ("delete_limit_user", "DELETE", "/room/{room_id}/files", None),
]


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def settings(settings: Settings, case: Any) -> Settings:
    return settings.model_copy(update={case[0]: "2/hour"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2]}", indirect=True)
async def test_the_third_try_is_too_many(client: httpx.AsyncClient, person: Any, backend: Any, case: Any) -> None:
    _, method, path, body = case
    ada = await person("ada")
    made = {"name": "R", "type": "webinar", "ownerId": ada.id}
    room = (await client.post("/room/create", json=made, headers=backend.headers)).json()["data"]["id"]
    answers = []
    for number in range(3):
        if path == "/auth/register":
            body = {**REGISTRATION, "email": f"n{number}@example.org"}
        url = path.format(room_id=room)
        answers.append(await client.request(method, url, json=body, headers=ada.headers))
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert answers[-1].json()["code"] == "rate_limited"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
    document = (await client.get("/openapi.json")).json()
    assert "429" in document["paths"][path][method.lower()]["responses"]
