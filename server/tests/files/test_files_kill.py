"""Killed while files come in: what was answered is there, what was not is there whole or not at all."""

import asyncio
import random
from typing import Any

import httpx

ROUNDS = 4


async def _upload(house: Any, room: str, number: int, size: int) -> str | None:
    """Upload a file of one repeated letter; its name, None where the server died first."""
    content = bytes([97 + number % 26]) * size
    try:
        answer = await house.client.post(f"{room}/upload", files={"file": (f"{number}.txt", content)})
    except httpx.TransportError:
        return None
    assert answer.status_code == 200, answer.text
    name: str = answer.json()["data"]["filename"]
    return name


async def test_killed_while_uploading(house: Any) -> None:
    await house.start()
    made = await house.client.post("/room/create", json={"name": "A", "type": "webinar"})
    room = f"/room/{made.json()['data']['id']}"
    chance = random.Random(7)
    acknowledged: set[str] = set()
    for round_number in range(ROUNDS):
        uploads = [
            asyncio.create_task(_upload(house, room, round_number * 40 + n, chance.randrange(1, 2_000_000)))
            for n in range(40)
        ]
        await asyncio.sleep(chance.uniform(0.1, 0.8))
        await house.end(kill=True)
        acknowledged |= {name for name in await asyncio.gather(*uploads) if name is not None}
        await house.start()
        listed = (await house.client.get(f"{room}/files?limit=200")).json()["data"]
        assert acknowledged <= {file["filename"] for file in listed}
        objects = [path for path in (house.folder / "objects").rglob("*") if path.is_file()]
        assert len(objects) == len(listed)
        assert list((house.folder / "incoming").iterdir()) == []
    assert acknowledged
    for file in listed:
        got = await house.client.get(f"{room}/files/{file['filename']}?download=1")
        letter = bytes([97 + int(file["originalName"].removesuffix(".txt")) % 26])
        assert len(got.content) == file["size"] and set(got.content) == set(letter)


async def test_a_client_that_goes_away_leaves_nothing(house: Any) -> None:
    await house.start()
    made = await house.client.post("/room/create", json={"name": "A", "type": "webinar"})
    room_id = made.json()["data"]["id"]
    _reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    key = house.client.headers["x-api-key"]
    writer.write(
        f"POST /room/{room_id}/upload HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: 9000000\r\n"
        "content-type: multipart/form-data; boundary=b\r\n\r\n".encode()
        + head
        + b"x" * 3_000_000
    )
    await writer.drain()
    for _ in range(100):
        if list((house.folder / "incoming").iterdir()):
            break
        await asyncio.sleep(0.05)
    assert list((house.folder / "incoming").iterdir())
    writer.close()
    for _ in range(100):
        if not list((house.folder / "incoming").iterdir()):
            break
        await asyncio.sleep(0.05)
    assert list((house.folder / "incoming").iterdir()) == []
    assert (await house.client.get(f"/room/{room_id}/files")).json()["data"] == []
