"""What tests do with several nodes that share a database and a Redis."""

import asyncio
from collections.abc import Callable
from typing import Any

from rostrum.live import store


async def meeting(nodes: list[Any]) -> tuple[str, list[Any]]:
    """A room with somebody of each node in it; the first node leads it."""
    token = await nodes[0].user("ada")
    room_id = await nodes[0].room(token)
    clients = [await nodes[0].client(token), await nodes[1].client()]
    for client, name in zip(clients, ("Ada", "Bob"), strict=True):
        await client.join(room_id, name)
    return room_id, clients


async def until(condition: Callable[[], Any], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def dropped(*clients: Any, seconds: float = 10) -> None:
    """Wait until clients were let go, in the way that makes real ones come back by themselves."""
    await until(lambda: not any(client.socket.connected for client in clients), seconds)


async def come_back(client: Any, room_id: str) -> dict[str, Any]:
    """Come back as the SDK does."""
    resume = client.joined["resume"]
    await client.connect()
    return dict(await client.join(room_id, "Back", resume=resume))


async def unfinished(node: Any, room_id: str) -> list[str]:
    async with node.services.db.reading() as session:
        return [row.id for row in await store.unfinished(session, room_id)]
