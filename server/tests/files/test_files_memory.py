"""A gigabyte goes through the real server, in and out, and the process stays small."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rostrum.main import create_app
from rostrum.settings import Settings

GIB = 1_073_741_824
CHUNK = b"%PDF-" + bytes(range(251)) * 4176
LEAST_CHUNKS = GIB // len(CHUNK)
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'


def _resident(pid: int) -> int:
    """Most memory that a process has had so far, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


async def _ready(client: httpx.AsyncClient) -> None:
    for _ in range(300):
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("The server did not start.")


async def _prepare(settings: Settings) -> dict[str, str]:
    """The tables and a secret key, before the server starts."""
    from rostrum.migrate import upgrade

    services = create_app(settings).services
    await upgrade(services.db)
    tenant = await services.tenants.default()
    key = await services.tenants.create_key(tenant.id, "secret", "tests")
    services.auth.close()
    await services.db.close()
    return {"x-api-key": key.key}


@pytest.fixture
async def server(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    """The server as a process of its own; its id and a client with a secret key."""
    folder = tmp_path / "data"
    headers = await _prepare(Settings(data_dir=folder))
    arguments = ("serve", "--host", "127.0.0.1", "--port", str(unused_tcp_port), "--data-dir", str(folder))
    variables = {**os.environ, "ROSTRUM_MEDIA_WORKERS": "1", "ROSTRUM_MEDIA_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rostrum", *arguments, env=variables, stderr=asyncio.subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        await _ready(client)
        yield process.pid, client
    process.terminate()
    await process.wait()


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that nobody listens on."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def test_a_gibibyte_in_and_out(server: Any) -> None:
    pid, client = server
    made = await client.post("/room/create", json={"name": "A", "type": "webinar"})
    room = f"/room/{made.json()['data']['id']}"
    size = LEAST_CHUNKS * len(CHUNK)
    before = _resident(pid)

    async def body() -> AsyncIterator[bytes]:
        yield HEAD
        for _ in range(LEAST_CHUNKS):
            yield CHUNK
        yield b"\r\n--b--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=b"}
    uploaded = await client.post(f"{room}/upload", content=body(), headers=headers)
    assert uploaded.status_code == 200, uploaded.text
    assert uploaded.json()["data"]["size"] == size
    after_upload = _resident(pid)
    received = 0
    async with client.stream("GET", f"{room}/files/{uploaded.json()['data']['filename']}?download=1") as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_raw():
            received += len(piece)
    assert received == size
    after_download = _resident(pid)
    assert (await client.delete(f"{room}/files")).json()["data"]["deletedCount"] == 1
    print({"before": before >> 20, "upload": after_upload >> 20, "download": after_download >> 20})  # noqa: T201
    assert after_download < 200 * 1_048_576
    assert after_download - before < 64 * 1_048_576
