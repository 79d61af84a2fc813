"""Settings: read from the environment, checked, and the secret kept."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from rostrum.settings import Settings


def test_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTRUM_PORT", "9000")
    monkeypatch.setenv("ROSTRUM_MEDIA_ADDRESSES", "127.0.0.1, 192.0.2.7")
    monkeypatch.setenv("ROSTRUM_ICE_SERVERS", '[{"urls": "stun:stun.example.org"}]')
    monkeypatch.setenv("ROSTRUM_ENGINE_BINARY", "")
    settings = Settings()
    assert settings.url == "http://localhost:9000"
    assert settings.media_addresses == ["127.0.0.1", "192.0.2.7"]
    assert settings.ice_servers == [{"urls": "stun:stun.example.org"}]
    assert settings.engine_binary is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 70_000),
        ("secret", "short"),
        ("jwt_algorithm", "none"),
        ("media_workers", 0),
        ("login_limit_account", "often"),
        ("database_url", "mysql://localhost/rostrum"),
    ],
)
def test_refuses(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({name: value})


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "a" / "b")
    first, second = settings.prepare(), settings.prepare()
    assert first.secret == second.secret
    assert len(first.secret.get_secret_value()) == 64
    path = tmp_path / "a" / "b" / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]
    given = Settings(data_dir=tmp_path, secret=SecretStr("x" * 32)).prepare()
    assert given.secret.get_secret_value() == "x" * 32


def test_the_secret_is_not_shown() -> None:
    assert "xxxx" not in repr(Settings(secret=SecretStr("x" * 32)))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgres://u:p@db:5432/r", "postgresql+asyncpg://u:p@db:5432/r"),
        ("postgresql://u:p@db/r?x=1&sslmode=require", "postgresql+asyncpg://u:p@db/r?x=1&ssl=require"),
        ("sqlite:////tmp/x.db", "sqlite+aiosqlite:////tmp/x.db"),
    ],
)
def test_a_database_is_named_as_everywhere(given: str, taken: str) -> None:
    settings = Settings(database_url=SecretStr(given))
    assert settings.database == taken
    assert taken not in repr(settings)
