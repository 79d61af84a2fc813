"""Secrets and personal data that pass through the server stand in no log and in no answer but their own (S25)."""

import io
import logging
from typing import Any

import httpx
import pytest
from rostrum.kit.logging import configure_logging

PASSWORD = "planted-Password-7731"
OTHER = "planted-Another-8842"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Any:
    """All that is logged, at the finest level, as a stream."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging("json", "debug")
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)


async def test_planted_secrets_stay_where_they_belong(
    log: io.StringIO, client: httpx.AsyncClient, visitor: Any, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = {
        "email": "planted-person@example.org", "fName": "Planted", "lName": "P", "phoneNumber": "+92-308-7731",
        "country": "PK", "password": PASSWORD,
    }  # fmt: skip
    tokens: list[str] = []
    answers: list[httpx.Response] = []

    async def send(method: str, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
        headers = {**visitor.headers, **({"authorization": f"Bearer {token}"} if token else {})}
        answer = await client.request(method, path, json=body, headers=headers)
        answers.append(answer)
        return answer

    for _ in range(2):
        await send("POST", "/auth/register", registration)
    login = await send("POST", "/auth/login", {"userName": "planted-person@example.org", "password": PASSWORD})
    token = login.json()["data"]["token"]
    tokens.append(token)
    await send("POST", "/auth/login", {"userName": "planted-person@example.org", "password": OTHER})
    await send("POST", "/auth/register", {**registration, "email": 7})
    await send("POST", "/v1/auth/change-password", {"currentPassword": OTHER, "newPassword": PASSWORD}, token)
    await send("POST", "/v1/auth/reset-password", {"token": "planted-reset-token", "newPassword": OTHER})
    await send("GET", "/v1/users/me", token=token[:-3] + "AAA")
    monkeypatch.setattr(services.rooms, "create", _fails_with(f"it was {token}"))
    failed = await send("POST", "/room/create", {"name": "R", "type": "webinar"}, token)
    assert failed.status_code == 500
    await client.get("/healthz")
    answers.append(await client.get("/readyz"))
    written = log.getvalue()
    assert "request.refused" in written
    for secret in (
        PASSWORD,
        OTHER,
        "planted-person",
        "308-7731",
        "planted-reset-token",
        visitor.headers["x-api-key"],
        token,
    ):
        assert secret not in written, secret
    assert "argon2id" not in written
    for answer in answers:
        for secret in (PASSWORD, OTHER, "argon2id", "planted-reset-token"):
            assert secret not in answer.text, (answer.url, secret)


def _fails_with(text: str) -> Any:
    async def fail(*_args: object, **_kwargs: object) -> None:
        # What a library says in an error is not ours to know; tokens and keys in it are blanked by their form.
        raise RuntimeError(text)

    return fail
