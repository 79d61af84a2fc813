"""A feature outside of the tenant's package answers 403, whoever asks."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from rostrum.auth.dependencies import requires
from rostrum.features import FEATURES
from rostrum.kit.errors import FeatureDisabled
from rostrum.kit.http import install_error_handlers
from rostrum.services import Services
from rostrum.tenants.features import BUILT, PROFESSIONAL, features_of, require_feature


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


# What needs the Professional package: by a guard on a whole endpoint, or by what is asked of an open one.
GUARDED: dict[tuple[str, str], str] = {}
ASKED_FOR = {
    ("POST", "/meetings/create", "transcriptEnabled"): "transcription",
    ("PATCH", "/v1/meetings/{meeting}", "transcriptEnabled"): "transcription",
    ("POST", "/meetings/update/{meeting}", "transcriptEnabled"): "transcription",
}
SOCKETS = {"sendMessage.file": "chatFiles"}
"""Tried in live/test_chat.py."""


def _guards(dependant: Any) -> set[str]:
    own = {dependant.call.feature} if hasattr(dependant.call, "feature") else set()
    return own.union(*(_guards(one) for one in dependant.dependencies))


def test_every_professional_endpoint_has_its_row() -> None:
    found = {
        (method, route.path): guards
        for feature in FEATURES
        for router in (*feature.routers, *feature.v1_routers)
        for route in router.routes
        if isinstance(route, APIRoute) and (guards := _guards(route.dependant))
        for method in route.methods
    }
    assert found == {door: {feature} for door, feature in GUARDED.items()}
    assert set(GUARDED.values()) <= PROFESSIONAL
    tried = {*GUARDED.values(), *ASKED_FOR.values(), *SOCKETS.values()}
    assert tried >= BUILT & PROFESSIONAL, "A Professional feature was built and is tried nowhere."


async def test_each_professional_wish_by_package(
    client: httpx.AsyncClient, services: Services, person: Any, keys: dict[str, dict[str, str]]
) -> None:
    for package, refused in (("essential", True), ("professional", False)):
        ada = await person("ada", tenant=package)
        body = {"title": "T", "hostId": ada.id, "transcriptEnabled": False}
        made = await client.post("/meetings/create", json=body, headers=ada.headers)
        assert made.status_code == 201
        for (method, path, field), feature in ASKED_FOR.items():
            url = path.format(meeting=made.json()["data"]["_id"])
            wish = {**body, "userId": ada.id, field: True}
            for headers in (ada.headers, keys[package]):
                answer = await client.request(method, url, json=wish, headers=headers)
                assert (answer.status_code == 403) is refused, (package, method, path)
                if refused:
                    assert (answer.json()["code"], answer.json()["feature"]) == ("feature_disabled", feature)
                plain = await client.request(method, url, json={**wish, field: False}, headers=headers)
                assert plain.status_code < 300


async def test_the_files_of_a_room_are_in_every_package(client: httpx.AsyncClient, person: Any, keys: Any) -> None:
    """What needs the package is a file in a chat's message; a room's own files are documented for everybody."""
    ada = await person("ada", tenant="essential")
    room = await client.post("/room/create", json={"name": "R", "type": "webinar"}, headers=ada.headers)
    form = {"file": ("a.txt", b"x", "text/plain")}
    path = f"/room/{room.json()['data']['id']}/upload"
    assert (await client.post(path, files=form, headers=ada.headers)).status_code == 200
