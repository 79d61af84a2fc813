"""What the tests of files share: a room, its people, and an upload in one line."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from rostrum.main import create_app
from rostrum.migrate import upgrade
from rostrum.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ada(person: Any) -> Any:
    """The owner of the room."""
    return await person("ada")


@pytest.fixture
async def room_id(client: httpx.AsyncClient, ada: Any) -> str:
    """A room that is not private."""
    answer = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=ada.headers)
    made: str = answer.json()["data"]["id"]
    return made


@pytest.fixture
def upload(client: httpx.AsyncClient, room_id: str, ada: Any) -> Upload:
    """Uploads: `await upload("a.txt", b"text", kind="text/plain", who=bob)`."""

    async def send(
        name: str, content: bytes = b"Hello", *, kind: str = "", who: Any = None, room: str = "", prefix: str = ""
    ) -> httpx.Response:
        part = (name, content, kind) if kind else (name, content)
        path = f"{prefix}/room/{room or room_id}/upload"
        return await client.post(path, files={"file": part}, headers=(who or ada).headers)

    return send


class House:
    """The server as a process of its own, and a client with a secret key; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=60)
        self.process: asyncio.subprocess.Process | None = None

    async def prepare(self) -> None:
        """Make the tables and the key before the first start."""
        services = create_app(Settings(data_dir=self.folder)).services
        await upgrade(services.db)
        tenant = await services.tenants.default()
        self.client.headers["x-api-key"] = (await services.tenants.create_key(tenant.id, "secret", "tests")).key
        services.auth.close()
        await services.db.close()

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        arguments = ("serve", "--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.folder))
        variables = {**os.environ, "ROSTRUM_MEDIA_WORKERS": "1", "ROSTRUM_MEDIA_PORT": "0"}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rostrum", *arguments, env=variables, stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(300):
            try:
                if (await self.client.get("/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError("The server did not start.")

    @property
    def pid(self) -> int:
        """The process."""
        assert self.process is not None
        return self.process.pid

    async def end(self, *, kill: bool = False) -> None:
        """Stop it, or kill it."""
        if self.process is not None and self.process.returncode is None:
            (self.process.kill if kill else self.process.terminate)()
            await self.process.wait()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A server that is prepared and not yet started."""
    made = House(tmp_path / "data")
    await made.prepare()
    yield made
    await made.end()
    await made.client.aclose()
