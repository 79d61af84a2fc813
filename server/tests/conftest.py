"""What the server's tests share: settings in a folder of their own, and the REST door without media workers."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from rostrum.auth.service import NewUser
from rostrum.kit.db import Database
from rostrum.main import App, create_app
from rostrum.migrate import upgrade
from rostrum.services import Services
from rostrum.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a server of its own."""
    return Settings(data_dir=tmp_path / "data", host="127.0.0.1", port=21900, media_workers=1)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables; copying it is faster than migrating for each test."""
    path = tmp_path_factory.mktemp("migrated") / "rostrum.db"

    async def make() -> None:
        db = Database(f"sqlite+aiosqlite:///{path}")
        await upgrade(db)
        await db.close()

    asyncio.run(make())
    return path


@pytest.fixture
async def app(settings: Settings, migrated: Path) -> AsyncIterator[App]:
    """The server with its tables and its default tenant; no media workers run."""
    made = create_app(settings)
    shutil.copy(migrated, settings.data_dir / "rostrum.db")
    await made.services.tenants.default()
    yield made
    await made.services.account.close()
    await made.services.audit.close()
    made.services.auth.close()
    await made.services.db.close()


@pytest.fixture
def services(app: App) -> Services:
    """The server's services."""
    return app.services


@dataclass
class Person:
    """Somebody who calls REST: headers and what is known of them."""

    headers: dict[str, str]
    id: str = ""
    token: str = ""
    email: str = ""
    extra: dict[str, str] = field(default_factory=dict)


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """A client without any key."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


@pytest.fixture
async def backend(services: Services) -> Person:
    """The default tenant's own backend: a secret key."""
    tenant = await services.tenants.default()
    key = await services.tenants.create_key(tenant.id, "secret", "tests")
    return Person({"x-api-key": key.key}, id=tenant.id)


@pytest.fixture
async def visitor(services: Services) -> Person:
    """Somebody with the publishable key and nothing else."""
    tenant = await services.tenants.default()
    return Person({"x-api-key": services.tenants.web_key(tenant.id)}, id=tenant.id)


MakePerson = Callable[..., Awaitable[Person]]


@pytest.fixture
def person(services: Services) -> MakePerson:
    """Makes users: `await person("ada")`, `await person("eve", tenant="other")`, `await person("a", admin=True)`."""

    async def make(name: str, *, tenant: str = "default", admin: bool = False) -> Person:
        owner = await services.tenants.get(tenant)
        new = NewUser(f"{name}@example.org", name.title(), "Test", "12345", "Nowhere", "password of " + name)
        user = await services.auth.create_user(owner.id, new, roles=("user", "admin") if admin else ("user",))
        token = services.auth.issue(user).token
        key = services.tenants.web_key(owner.id)
        return Person({"x-api-key": key, "authorization": f"Bearer {token}"}, user.id, token, new.email)

    return make
