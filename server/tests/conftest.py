"""What the server's tests share: settings in a folder of their own, and the REST door without media workers."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from postgres_cluster import Cluster, ending
from pydantic import SecretStr
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
    """An empty SQLite database with all tables; copying it is faster than migrating for each test."""
    path = tmp_path_factory.mktemp("migrated") / "rostrum.db"
    _migrate(f"sqlite+aiosqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    async def make() -> None:
        db = Database(url)
        await upgrade(db)
        await db.close()

    asyncio.run(make())


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests that do not harm it, with all tables in the database `migrated`."""
    with ending(Cluster().start()) as made:
        made.sql("CREATE DATABASE migrated")
        _migrate(made.url("migrated"))
        yield made


NewDatabase = Callable[[], str]


@pytest.fixture
def new_postgresql(cluster: Cluster) -> Iterator[NewDatabase]:
    """Makes databases of the test's own with all tables in them; the URL."""
    names: list[str] = []

    def make() -> str:
        names.append(f"test_{secrets.token_hex(8)}")
        cluster.sql(f"CREATE DATABASE {names[-1]} TEMPLATE migrated")
        return cluster.url(names[-1])

    yield make
    for name in names:
        cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def new_sqlite(tmp_path: Path, migrated: Path) -> NewDatabase:
    """The same in a file."""

    def make() -> str:
        path = tmp_path / f"{secrets.token_hex(8)}.db"
        shutil.copy(migrated, path)
        return f"sqlite+aiosqlite:///{path}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """The same, the test being run on each kind of database."""
    made: NewDatabase = request.getfixturevalue(f"new_{request.param}")
    return made


@pytest.fixture
async def app(settings: Settings, new_database: NewDatabase) -> AsyncIterator[App]:
    """The server with its tables and its default tenant, on each kind of database; no media workers run."""
    made = create_app(settings.model_copy(update={"database_url": SecretStr(new_database())}))
    await made.services.tenants.default()
    yield made
    await made.services.account.close()
    await made.services.audit.close()
    await made.services.tenants.close()
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
