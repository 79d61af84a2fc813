"""What the tests of files share: a room, its people, and an upload in one line."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

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
