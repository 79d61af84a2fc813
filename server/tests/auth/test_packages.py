"""A feature outside of the tenant's package answers 403, whoever asks."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from rostrum.auth.dependencies import requires
from rostrum.kit.errors import FeatureDisabled
from rostrum.kit.http import install_error_handlers
from rostrum.services import Services
from rostrum.tenants.features import PROFESSIONAL, features_of, require_feature


@pytest.fixture
async def doors(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """One endpoint that needs transcription, and one that needs chat."""
    app = FastAPI()
    app.state.services = services.by_class()
    install_error_handlers(app)

    @app.get("/transcripts", dependencies=[requires("transcription")])
    async def transcripts() -> dict[str, bool]:
        return {"success": True}

    @app.get("/chat", dependencies=[requires("chat")])
    async def chat() -> dict[str, bool]:
        return {"success": True}

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def keys(services: Services) -> dict[str, dict[str, str]]:
    made = {}
    for package in ("essential", "professional"):
        tenant = await services.tenants.create(package, package)  # type: ignore[arg-type]
        made[package] = {"x-api-key": (await services.tenants.create_key(tenant.id, "secret", "k")).key}
    return made


async def test_the_package_decides(
    doors: httpx.AsyncClient, keys: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rostrum.tenants.features.BUILT", frozenset({"chat", "transcription"}))
    answers = {package: await doors.get("/transcripts", headers=headers) for package, headers in keys.items()}
    assert {package: answer.status_code for package, answer in answers.items()} == {
        "essential": 403,
        "professional": 200,
    }
    body = answers["essential"].json()
    assert (body["success"], body["code"], body["feature"]) == (False, "feature_disabled", "transcription")
    assert [(await doors.get("/chat", headers=headers)).status_code for headers in keys.values()] == [200, 200]
    assert (await doors.get("/chat")).status_code == 401


async def test_what_the_server_cannot_do_is_in_no_package(
    doors: httpx.AsyncClient, keys: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rostrum.tenants.features.BUILT", frozenset({"chat"}))
    assert (await doors.get("/transcripts", headers=keys["professional"])).status_code == 403


async def test_features_are_told_as_they_are_enforced(
    client: httpx.AsyncClient, keys: dict[str, dict[str, str]]
) -> None:
    for package, headers in keys.items():
        told = (await client.get("/v1/features", headers=headers)).json()["data"]
        assert told == {"package": package, "features": features_of(package)}
        for name, allowed in told["features"].items():
            if allowed:
                require_feature(package, name)
            else:
                with pytest.raises(FeatureDisabled):
                    require_feature(package, name)
    assert not any(features_of("essential")[name] for name in PROFESSIONAL)
