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
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)  # The client's own log.
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


async def test_what_passes_through_the_other_doors_is_not_written_down(
    log: io.StringIO, client: httpx.AsyncClient, person: Any, backend: Any, visitor: Any, services: Any
) -> None:
    """Titles, names of guests, what is in files, and every token that opens something."""
    ada = await person("ada")
    room = await client.post("/room/create", json={"name": "planted-room", "type": "webinar"}, headers=ada.headers)
    path = f"/v1/rooms/{room.json()['data']['id']}"
    wish = {"role": "cohost", "name": "planted-guest"}
    invited = (await client.post(f"{path}/invitations", json=wish, headers=ada.headers)).json()["data"]
    guest = (await client.post(f"{path}/guest-token", json={"name": "planted-guest"}, headers=visitor.headers)).json()
    meeting = {"title": "planted-title", "hostId": ada.id, "transcriptEnabled": False}
    await client.post("/meetings/create", json=meeting, headers=backend.headers)
    await client.post("/meetings/create", json={**meeting, "hostId": "planted host"}, headers=backend.headers)
    upload = f"/room/{room.json()['data']['id']}/upload"
    for name in ("planted.txt", "planted.exe"):
        form = {"file": (name, b"planted-content", "text/plain")}
        await client.post(upload, files=form, headers=ada.headers)
    await client.get("/v1/rooms?name=planted-search&cursor=planted-cursor", headers=ada.headers)
    headers = {**backend.headers, "content-type": "application/json"}
    await client.post("/room/create", content=b'{"name": "planted-broken', headers=headers)
    for wrong in ("rk_secret_planted-key-of-somebody", "planted-header"):
        await client.get("/v1/features", headers={"x-api-key": wrong, "authorization": "Bearer planted-bearer"})
    key = await services.tenants.create_key(backend.id, "secret", "planted-name")
    await services.audit.settle()
    written = log.getvalue()
    assert "request.refused" in written
    tokens = [
        ada.token,
        invited["token"],
        guest["data"]["token"],
        invited["url"],
        key.key,
        backend.headers["x-api-key"],
    ]
    for secret in tokens:
        assert secret not in written, secret
    for planted in (
        "guest",
        "title",
        "content",
        "search",
        "cursor",
        "broken",
        "key",
        "header",
        "bearer",
        "host",
        "room",
    ):
        assert f"planted-{planted}" not in written and f"planted {planted}" not in written, planted
    # Nor does an answer of one's health tell of anything.
    for probe in ("/healthz", "/readyz"):
        assert "planted" not in (await client.get(probe)).text


def _fails_with(text: str) -> Any:
    async def fail(*_args: object, **_kwargs: object) -> None:
        # What a library says in an error is not ours to know; tokens and keys in it are blanked by their form.
        raise RuntimeError(text)

    return fail
