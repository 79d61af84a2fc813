"""The OpenAPI document and the server agree: requests made up from the document, valid and not, find nothing wrong."""

import asyncio
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
import uvicorn
from rostrum.auth.service import NewUser
from rostrum.main import create_app
from rostrum.rooms import NewRoom
from rostrum.serving import bind
from rostrum.settings import Settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6
ENOUGH = "1000000/second"
LAST = ("/v1/auth/logout", "/v1/users/me")


@dataclass
class World:
    """A server on loopback, callers' headers, and ids that exist."""

    url: str
    callers: dict[str, dict[str, str]]
    ids: dict[str, str]
    seen: Counter[int] = field(default_factory=Counter)


async def _people(app: Any) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    services = app.services
    tenant = await services.tenants.default()
    new = NewUser("ada@example.org", "Ada", "Test", "12345", "Nowhere", "password of ada")
    user = await services.auth.create_user(tenant.id, new)
    token = services.auth.issue(user).token
    key = services.tenants.web_key(tenant.id)
    secret = (await services.tenants.create_key(tenant.id, "secret", "tests")).key
    room = await services.rooms.create(await services.auth.authenticate(key, token), NewRoom("R", "webinar"))
    boss = NewUser("boss@example.org", "Boss", "Test", "12345", "Nowhere", "password of boss")
    admin = services.auth.issue(await services.auth.create_user(tenant.id, boss, roles=("user", "admin"))).token
    callers = {
        "nobody": {},
        "admin": {"x-api-key": key, "authorization": f"Bearer {admin}"},
        "visitor": {"x-api-key": key},
        "user": {"x-api-key": key, "authorization": f"Bearer {token}"},
        "backend": {"x-api-key": secret},
    }
    return callers, {"room_id": room.id, "user_id": user.id}


@pytest.fixture
def world(tmp_path: Path, migrated: Path) -> Iterator[World]:
    """A server in a thread of its own, since the requests are made by a blocking client."""
    limits = {name: ENOUGH for name in Settings.model_fields if "_limit_" in name}
    settings = Settings(data_dir=tmp_path / "data", host="127.0.0.1", media_workers=1, **limits)
    listener = bind("127.0.0.1", 0)
    ready = threading.Event()
    made: dict[str, Any] = {}

    async def run() -> None:
        app = create_app(settings)
        shutil.copy(migrated, settings.data_dir / "rostrum.db")
        made["people"] = await _people(app)
        server = made["server"] = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
        ready.set()
        await server.serve(sockets=[listener])
        app.services.auth.close()
        await app.services.db.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    with closing(listener):
        thread.start()
        assert ready.wait(30)
        yield World(f"http://127.0.0.1:{listener.getsockname()[1]}", *made["people"])
        made["server"].should_exit = True
        thread.join(20)


def _operations(document: Any) -> list[Any]:
    """Each handler once; those that end something for good come last."""
    operations = [result.ok() for result in document.get_all_operations()]
    paths = {operation.path for operation in operations}
    once = [one for one in operations if one.path.removeprefix("/v1") not in paths or not one.path.startswith("/v1")]
    return sorted(once, key=lambda one: (one.path in LAST, one.method.upper() == "DELETE"))


def _try(operation: Any, mode: GenerationMode, headers: dict[str, str], world: World) -> str | None:
    """What is wrong with the answers to made-up requests of one caller."""
    checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS

    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = world.ids.get(name, case.path_parameters[name])
        answer = case.call(headers=headers)
        world.seen[answer.status_code] += 1
        case.validate_response(answer, checks=checks, headers=headers)

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        return None  # Nothing about this operation can be wrong: it takes no input.
    except Exception as error:
        return f"{operation.method.upper()} {operation.path} ({mode.value}): {error}"
    return None


def _strictly(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its "any other error", beside which no status would ever be an undocumented one."""
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("default", None)
    return document


def test_the_document_and_the_server_agree(world: World) -> None:
    document = schemathesis.openapi.from_dict(_strictly(httpx.get(f"{world.url}/openapi.json", timeout=30).json()))
    document.config.update(base_url=world.url)
    wrong = []
    for operation in _operations(document):
        if operation.path == "/readyz":  # No media worker runs in this test.
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for headers in world.callers.values():
                wrong += [found] if (found := _try(operation, mode, headers, world)) else []
    assert world.seen[200] > 30 and world.seen[400] > 30, world.seen  # It got past the doors.
    assert not wrong, "\n\n".join(wrong)
