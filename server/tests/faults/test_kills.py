"""The server is killed at random moments of writing: what was answered is there, with its record, and nothing is torn.

KILLS says how often (`make soak`: 200 times), SEED which moments: a failure prints the seed that it happened with.
"""

import asyncio
import os
import random
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kill_verdict import Verdict
from kill_writers import HttpWriter, Ledger, SocketWriter
from rostrum.auth.service import NewUser
from rostrum.main import create_app
from rostrum.migrate import upgrade
from rostrum.rooms.service import NewRoom
from rostrum.settings import Settings

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("SEED", "20261122"))
NURSERY = Path(__file__).parent.parent / "helpers" / "kill_nursery.py"
WRITERS = 6
ENOUGH = "100000/second"


class House:
    """A server that is killed and started again, in a process that has what it imports at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stage: dict[str, str] = {}
        self._nursery: asyncio.subprocess.Process | None = None
        self._pid = 0

    async def prepare(self) -> None:
        """Make the tables, the people and the room on whose stage things happen."""
        services = create_app(Settings(data_dir=self.folder)).services
        await upgrade(services.db)
        tenant = await services.tenants.default()
        for name in ("ada", "bob", "cy"):
            new = NewUser(f"{name}@example.org", name, "Test", "12345", "Nowhere", "password")
            user = await services.auth.create_user(tenant.id, new)
            self.stage[name] = user.id
            self.stage.setdefault("token", services.auth.issue(user).token)
        secret = (await services.tenants.create_key(tenant.id, "secret", "tests")).key
        backend = await services.auth.authenticate(secret, None)
        room = await services.rooms.create(backend, NewRoom(name="A", type="webinar", owner_id=self.stage["ada"]))
        self.stage |= {"secret": secret, "key": services.tenants.web_key(tenant.id), "room": room.id}
        await services.audit.close()
        await services.tenants.close()
        services.auth.close()
        await services.db.close()

    async def begin(self) -> None:
        """Start the nursery."""
        limits = ("LOGIN_LIMIT_ADDRESS", "REGISTER_LIMIT_ADDRESS", "CHAT_LIMIT_PEER")
        variables = {
            **os.environ,
            **{f"ROSTRUM_{name}": ENOUGH for name in limits},
            "ROSTRUM_DATA_DIR": str(self.folder),
            "ROSTRUM_HOST": "127.0.0.1",
            "ROSTRUM_PORT": "0",
            "ROSTRUM_MEDIA_WORKERS": "1",
            "ROSTRUM_MEDIA_PORT": "0",
            "ROSTRUM_MEDIA_ADDRESSES": "127.0.0.1",
        }
        self._nursery = await asyncio.create_subprocess_exec(
            sys.executable, str(NURSERY), env=variables, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )

    async def start(self) -> str:
        """A new server; its URL."""
        assert self._nursery is not None and self._nursery.stdin is not None
        self._nursery.stdin.write(b"start\n")
        self._pid = int(await self._line())
        return f"http://127.0.0.1:{await self._line()}"

    async def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        os.kill(self._pid, signal.SIGKILL)
        assert await self._line() == "ended"
        self._pid = 0

    async def close(self) -> None:
        """End what still runs."""
        assert self._nursery is not None and self._nursery.stdin is not None
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        self._nursery.stdin.close()
        await self._nursery.wait()

    async def _line(self) -> str:
        assert self._nursery is not None and self._nursery.stdout is not None
        line = await asyncio.wait_for(self._nursery.stdout.readline(), 60)
        assert line, "the server has ended by itself"
        return line.decode().strip()

    def orphans(self, scratch: Path) -> list[str]:
        """Objects and drafts that belong to no file."""
        rows = set(self.keys(scratch).values())
        objects = self.folder / "objects"
        found = {str(path.relative_to(objects)) for path in objects.rglob("*") if path.is_file()}
        return sorted(rows ^ found) + [str(path) for path in (self.folder / "incoming").iterdir()]

    def keys(self, scratch: Path) -> dict[str, str]:
        """Name of each file → the key of its object."""
        return Verdict(self._copy(scratch), Ledger()).object_keys()

    def verdict(self, scratch: Path, ledger: Ledger) -> list[str]:
        """What is wrong after the kill. It is looked for in a copy, so that the server does its recovery itself."""
        return Verdict(self._copy(scratch), ledger).reach(self.stage["room"])

    def _copy(self, scratch: Path) -> Path:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for path in self.folder.glob("rostrum.db*"):
            shutil.copy(path, scratch)
        return scratch / "rostrum.db"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A server that is prepared and not yet started."""
    made = House(tmp_path / "data")
    await made.prepare()
    await made.begin()
    yield made
    await made.close()


async def _round(house: House, ledger: Ledger, chance: random.Random, at: int, scratch: Path) -> list[str]:
    url = await house.start()
    if orphans := house.orphans(scratch):
        return [f"after the start there are {orphans[:5]}"]
    headers = {"x-api-key": house.stage["secret"]}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        choices = [random.Random(chance.random()) for _ in range(WRITERS + 2)]
        writers: list[Any] = [HttpWriter(client, ledger, house.stage, choose) for choose in choices[:WRITERS]]
        writers += [
            SocketWriter(client, ledger, house.stage, choose, number=number, at=at)
            for number, choose in enumerate(choices[WRITERS:])
        ]
        running = [asyncio.create_task(writer.run()) for writer in writers]
        # By what is done, not by the clock: on a busy machine as on an idle one it happens in the midst of writing.
        enough = ledger.acknowledged + chance.randrange(2, 80)
        while ledger.acknowledged < enough and not any(task.done() for task in running):
            await asyncio.sleep(0.002)
        await asyncio.sleep(chance.uniform(0, 0.03))
        await house.kill()
        ends = await asyncio.gather(*running, return_exceptions=True)
    wrong = [f"a writer met {end!r}" for end in ends if isinstance(end, BaseException)]
    return wrong + house.verdict(scratch, ledger)


@pytest.mark.timeout(60 + KILLS * 20)
async def test_killed_at_random_moments(house: House, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    ledger = Ledger()
    for at in range(KILLS):
        problems = await _round(house, ledger, chance, at, tmp_path / "copy")
        assert not problems, f"after kill {at + 1} of `make soak SEED={SEED} KILLS={KILLS}`: {problems[:5]}"
    await house.start()
    assert house.orphans(tmp_path / "copy") == []
    keys = house.keys(tmp_path / "copy")
    for name, (letter, size) in ledger.files.items():
        assert (house.folder / "objects" / keys[name]).read_bytes() == letter.encode() * size
    requests, messages, deeds = len(ledger.requests), len(ledger.chat), dict(ledger.deeds)
    sys.stdout.write(f"{KILLS} kills, acknowledged: {requests} requests, {messages} messages, {deeds}\n")
    assert ledger.requests and ledger.chat and ledger.deeds["peer.remove"]
