"""The processes that hash passwords: they may die at any time, are bounded, and outlive nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from rostrum.auth import helpers, passwords
from rostrum.auth.passwords import PasswordPool
from rostrum.kit.errors import Unavailable

A_SERVER = """
import asyncio, time
from rostrum.auth import helpers
from rostrum.auth.passwords import PasswordPool
asyncio.run(PasswordPool(1).hash("a password"))
print(helpers._idle[0].process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
async def pool() -> AsyncIterator[PasswordPool]:
    helpers.end_all()
    made = PasswordPool(1)
    yield made
    made.close()
    helpers.end_all()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


async def test_hashes_and_checks_in_one_process_of_low_priority(pool: PasswordPool) -> None:
    assert not helpers._idle
    hashed = await pool.hash("päss\nword")
    (helper,) = helpers._idle
    assert hashed.startswith("$argon2id$")
    assert await pool.verify("päss\nword", hashed)
    assert not await pool.verify("another", hashed)
    assert not await pool.verify("another", None)
    assert helpers._idle == [helper]
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, helper.process.pid) == min(own + 19, 19)


async def test_apps_of_one_process_share_the_helper(pool: PasswordPool) -> None:
    hashed = await pool.hash("a password")
    helper = helpers._idle[0]
    other = PasswordPool(1)
    assert await other.verify("a password", hashed)
    other.close()
    assert helpers._idle == [helper]


async def test_answers_though_the_helper_is_killed_over_it(pool: PasswordPool) -> None:
    hashed = await pool.hash("a password")
    helper = helpers._idle[0]
    helper.process.send_signal(signal.SIGSTOP)
    asked = asyncio.create_task(pool.verify("a password", hashed))
    await until(lambda: not helpers._idle)
    helper.process.kill()
    assert await asked
    assert helpers._idle != [helper]
    assert not await pool.verify("another", hashed)


async def test_starts_anew_when_the_helper_died_unasked(pool: PasswordPool) -> None:
    hashed = await pool.hash("a password")
    helpers._idle[0].process.kill()
    assert await pool.verify("a password", hashed)


async def test_gives_up_one_that_hangs(pool: PasswordPool) -> None:
    await pool.hash("a password")
    helper = helpers._idle[0]
    helper.process.send_signal(signal.SIGSTOP)
    helper.patience = 0.1
    assert (await pool.hash("a password")).startswith("$argon2id$")
    assert helper.process.returncode == -signal.SIGKILL


async def test_tells_when_none_lives(pool: PasswordPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(helpers, "PROGRAM", tmp_path / "missing.py")
    with pytest.raises(OSError, match=r"died|pipe"):
        await pool.hash("a password")


async def test_survives_what_is_no_hash(pool: PasswordPool) -> None:
    await pool.hash("a password")
    helper = helpers._idle[0]
    with pytest.raises(ValueError, match="no hash"):
        await pool.verify("a password", "not a hash")
    assert await pool.hash("a password")
    assert helpers._idle == [helper]


async def test_refuses_more_than_may_wait(pool: PasswordPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", 3)
    hashed = await pool.hash("a password")
    helper = helpers._idle[0]
    helper.process.send_signal(signal.SIGSTOP)
    waiting = [asyncio.create_task(pool.verify("a password", hashed)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await pool.verify("a password", hashed)
    helper.process.send_signal(signal.SIGCONT)
    assert await asyncio.gather(*waiting) == [True] * 3
    assert await pool.verify("a password", hashed)


def test_ends_with_a_server_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", A_SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert not has_ended(pid)
        server.kill()
    deadline = time.monotonic() + 60
    while not has_ended(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
