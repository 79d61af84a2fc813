"""A gigabyte goes through the real server, in and out, and the process stays small."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

GIB = 1_073_741_824
CHUNK = b"%PDF-" + bytes(range(251)) * 4176
LEAST_CHUNKS = GIB // len(CHUNK)
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'


def _resident(pid: int) -> int:
    """Most memory that a process has had so far, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


async def test_a_gibibyte_in_and_out(house: Any) -> None:
    await house.start()
    pid, client = house.pid, house.client
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
    received = 0
    async with client.stream("GET", f"{room}/files/{uploaded.json()['data']['filename']}?download=1") as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_raw():
            received += len(piece)
    assert received == size
    after_download = _resident(pid)
    assert (await client.delete(f"{room}/files")).json()["data"]["deletedCount"] == 1
    assert after_download < 200 * 1_048_576
    assert after_download - before < 64 * 1_048_576
