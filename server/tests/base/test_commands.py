"""Keys, users and tenants from the command line, each command a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

KEY = re.compile(r"([0-9a-f]{24})  (rk_(?:secret|pub)_[A-Za-z0-9_-]{40,})\n")
PASSWORD = "a password of an admin"


@pytest.fixture
def run(tmp_path: Path) -> "Run":
    return Run(tmp_path / "data")


class Run:
    """Runs commands on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, str] = {}

    def __call__(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """One command; what a person would type goes to its standard input."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROSTRUM_")}
        return subprocess.run(
            [sys.executable, "-m", "rostrum", *arguments, "--data-dir", str(self.folder)],
            input=typed, capture_output=True, text=True, timeout=100, env={**inherited, **self.variables}, check=False,
        )  # fmt: skip

    def ok(self, *arguments: str, typed: str = "") -> str:
        """One command that succeeds; what it prints."""
        done = self(*arguments, typed=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, typed: str = "") -> str:
        """One command that fails in one sentence, without a trace."""
        done = self(*arguments, typed=typed)
        assert done.returncode == 1, (done.stdout, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.startswith("rostrum: ")]
        assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
        return lines[0]


def test_a_key_from_its_making_to_its_end(run: Run) -> None:
    made = KEY.fullmatch(run.ok("keys", "create", "secret", "--name", "backend"))
    assert made is not None
    key_id, key = made.groups()
    listed = run.ok("keys", "list")
    assert key not in listed
    [line] = [line for line in listed.splitlines() if key_id in line]
    assert re.search(r"secret .* valid .* used never .* backend", line)
    assert key[:14] in line and key[:20] not in line
    assert run.ok("keys", "revoke", key_id) == "Revoked.\n"
    [line] = [line for line in run.ok("keys", "list").splitlines() if key_id in line]
    assert " revoked " in line
    run.ok("keys", "revoke", key_id)  # Revoked it is already.
    public = KEY.fullmatch(run.ok("keys", "create", "publishable"))
    assert public is not None and public[2].startswith("rk_pub_")


def test_tenants_have_keys_of_their_own(run: Run) -> None:
    tenant = run.ok("tenants", "create", "acme", "--package", "essential").strip()
    assert re.fullmatch(r"[0-9a-f]{24}", tenant)
    assert re.search(rf"{tenant}  essential +acme", run.ok("tenants", "list"))
    made = KEY.fullmatch(run.ok("keys", "create", "secret", "--tenant", "acme"))
    assert made is not None
    assert made[1] in run.ok("keys", "list", "--tenant", tenant)
    assert made[1] not in run.ok("keys", "list")
    user = run.ok("users", "create-admin", "a@acme.example", "--tenant", "acme", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert re.search(r"[0-9a-f]{24}\n$", user)  # What asks for the password stands before it.


def test_an_administrator_is_made_once(run: Run) -> None:
    done = run("users", "create-admin", "admin@example.org", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    assert "exists already" in run.refused("users", "create-admin", "ADMIN@example.org", typed=typed)


@pytest.mark.parametrize(
    ("arguments", "typed", "told"),
    [
        (("keys", "create", "golden"), "", "either secret or publishable"),
        (("keys", "create", "secret", "--tenant", "nobody"), "", "no such tenant"),
        (("keys", "create", "secret", "--name", "x" * 101), "", "one line of 1 to 100"),
        (("keys", "create", "secret", "--name", "a\nb"), "", "one line of 1 to 100"),
        (("keys", "list", "--tenant", "nobody"), "", "no such tenant"),
        (("keys", "revoke", "0" * 24), "", "no such API key"),
        (("keys", "revoke", "x" * 500), "", "no such API key"),
        (("tenants", "create", "default"), "", "exists already"),
        (("tenants", "create", " "), "", "one line of 1 to 100"),
        (("tenants", "create", "a", "--package", "golden"), "", "either essential or professional"),
        (("users", "create-admin", "nobody"), f"{PASSWORD}\n{PASSWORD}\n", "valid e-mail address"),
        (("users", "create-admin", "a@example.org"), "short\nshort\n", "at least 8"),
        (("users", "create-admin", "a@example.org", "--tenant", "none"), f"{PASSWORD}\n{PASSWORD}\n", "no such tenant"),
    ],
)
def test_what_is_wrong_is_one_sentence(run: Run, arguments: tuple[str, ...], typed: str, told: str) -> None:
    assert told in run.refused(*arguments, typed=typed)


def test_a_folder_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    run.folder = tmp_path / "file"
    assert "cannot use the data folder" in run.refused("keys", "list")


def test_a_database_that_is_none(run: Run) -> None:
    run.folder.mkdir()
    (run.folder / "rostrum.db").write_bytes(b"this is no database at all" * 100)
    assert "database" in run.refused("keys", "list")


def test_a_database_that_is_away(run: Run) -> None:
    run.variables["ROSTRUM_DATABASE_URL"] = "postgresql://nobody:planted-password@127.0.0.1:9/none"
    done = run("keys", "list")
    assert done.returncode == 1
    assert "planted-password" not in done.stdout + done.stderr
    assert "rostrum: " in done.stderr and "Traceback (most recent call last)" not in done.stdout


def test_a_setting_that_is_wrong(run: Run) -> None:
    run.variables["ROSTRUM_LOGIN_LIMIT_ACCOUNT"] = "often"
    assert "LOGIN_LIMIT_ACCOUNT" in run.refused("keys", "list")
