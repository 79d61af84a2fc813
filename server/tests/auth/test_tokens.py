"""Forged, altered and foreign tokens are all refused alike (RFC 8725)."""

import base64
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from rostrum.auth import TokenService
from rostrum.auth.errors import InvalidToken
from rostrum.services import Services
from rostrum.tenants.errors import InvalidApiKey

ROOM = {"name": "Mine", "type": "webinar"}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _forgeries(token: str, secret: str) -> dict[str, str]:
    header, body, signature = token.split(".")
    claims = _claims(token)
    now = int(time.time())

    def signed(**changes: Any) -> str:
        changed = {**claims, **changes}
        return jwt.encode({name: value for name, value in changed.items() if value is not None}, secret, "HS256")

    return {
        "none": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "none with signature": f"{_part({'alg': 'None', 'typ': 'JWT'})}.{body}.{signature}",
        "another HMAC": jwt.encode(claims, secret, "HS384"),
        "claimed RS256": f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{body}.{signature}",
        "another secret": jwt.encode(claims, "x" * 64, "HS256"),
        "guessed secret": jwt.encode(claims, "rostrum" * 9, "HS256"),
        "kid path": jwt.encode(claims, "x" * 32, "HS256", headers={"kid": "../../../../dev/null"}),
        "kid signed": jwt.encode(claims, secret, "HS256", headers={"kid": "1"}),
        "jku": jwt.encode(claims, secret, "HS256", headers={"jku": "https://evil.example/keys"}),
        "jwk": jwt.encode(claims, "k" * 32, "HS256", headers={"jwk": {"kty": "oct", "k": _part("k")}}),
        "altered body": f"{header}.{_part({**claims, 'roles': ['admin']})}.{signature}",
        "altered signature": f"{header}.{body}.{signature[:-2]}AA",
        "wrong issuer": signed(iss="else"),
        "wrong audience": signed(aud="else"),
        "expired": signed(exp=now - 60, iat=now - 120),
        "no expiry": signed(exp=None),
        "from the future": signed(iat=now + 3600, nbf=now + 3600),
        "no tenant": signed(tenant=None),
        "unknown use": signed(use="refresh"),
        "roles of a wrong type": signed(roles=7),
        "garbage": "garbage",
        "too long": "a" * 10_000,
    }


NAMES = list(_forgeries(jwt.encode({"a": 1}, "s" * 64, "HS256"), "s" * 64))


@pytest.mark.parametrize("name", NAMES)
async def test_refuses(name: str, client: httpx.AsyncClient, services: Services, person: Any) -> None:
    ada = await person("ada")
    secret = services.settings.secret.get_secret_value()
    forged = _forgeries(ada.token, secret)[name]
    headers = {**ada.headers, "authorization": f"Bearer {forged}"}
    answer = await client.post("/room/create", json=ROOM, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_token"
    with pytest.raises(InvalidToken):
        await services.auth.authenticate_socket(ada.headers["x-api-key"], forged)


async def test_takes_the_real_one(client: httpx.AsyncClient, person: Any) -> None:
    ada = await person("ada")
    assert (await client.post("/room/create", json=ROOM, headers=ada.headers)).status_code == 201


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token"])
async def test_refuses_a_malformed_header(client: httpx.AsyncClient, visitor: Any, header: str) -> None:
    answer = await client.post("/room/create", json=ROOM, headers={**visitor.headers, "authorization": header})
    assert answer.status_code == 401


async def test_a_token_of_another_tenant_is_worth_nothing(
    client: httpx.AsyncClient, services: Services, person: Any
) -> None:
    await services.tenants.create("other")
    ada, eve = await person("ada"), await person("eve", tenant="other")
    mixed = {"x-api-key": ada.headers["x-api-key"], "authorization": eve.headers["authorization"]}
    assert (await client.post("/room/create", json=ROOM, headers=mixed)).status_code == 401


async def test_a_remembered_token_expires_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TokenService("s" * 32, algorithm="HS256", issuer="i", audience="a")
    token = tokens.access("u", "t", ["user"], seconds=60)
    assert tokens.verify(token).subject == "u"
    later = int(time.time() * 1000) + 95_000
    monkeypatch.setattr("rostrum.kit.clock.now_ms", lambda: later)
    with pytest.raises(InvalidToken):
        tokens.verify(token)


async def test_a_join_token_is_no_users_token(client: httpx.AsyncClient, services: Services, visitor: Any) -> None:
    token = services.tokens.join(visitor.id, "room", "host", name="Eve", seconds=60).token
    headers = {**visitor.headers, "authorization": f"Bearer {token}"}
    answer = await client.post("/room/create", json=ROOM, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "user_required"


async def test_sockets_need_a_key_unless_rooms_are_open(services: Services, person: Any) -> None:
    ada = await person("ada")
    for token in (None, ada.token):
        with pytest.raises(InvalidApiKey):
            await services.auth.authenticate_socket(None, token)
    guest = await services.auth.authenticate_socket(ada.headers["x-api-key"], None)
    assert (guest.kind, guest.roles) == ("guest", frozenset())
    user = await services.auth.authenticate_socket(ada.headers["x-api-key"], ada.token)
    assert (user.kind, user.subject) == ("user", ada.id)
