"""S16: how many sockets the server takes, in all and from one address, over both transports."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

BUSY = (503, "Service unavailable")
TOO_MANY = (429, "Too many connections")


class Door:
    """Opens connections that seem to come from any address, and tells how they are refused."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = f"{url}/socket.io/?EIO=4&transport="
        self._stack = stack

    async def opens(self, address: str) -> Any:
        """A WebSocket after its handshake."""
        url = self._url.replace("http", "ws", 1) + "websocket"
        socket = await self._stack.enter_async_context(
            connect(url, compression=None, additional_headers={"x-forwarded-for": address})
        )
        assert str(await socket.recv()).startswith("0{")
        return socket

    async def refuses(self, address: str) -> tuple[int, str]:
        """Status and sentence, which must be the same over both transports."""
        with pytest.raises(InvalidStatus) as refused:
            await self.opens(address)
        answer = refused.value.response
        polled = await self.polls(address)
        told = (answer.status_code, (answer.body or b"").decode())
        assert told == (polled.status_code, polled.json()["message"])
        return told

    async def polls(self, address: str) -> httpx.Response:
        """The answer to the first request of long-polling."""
        async with httpx.AsyncClient() as client:
            return await client.get(self._url + "polling", headers={"x-forwarded-for": address})

    async def opens_at_last(self, address: str) -> None:
        """Somebody has just gone: there is room."""
        async with asyncio.timeout(5):
            while True:
                try:
                    await self.opens(address)
                    return
                except InvalidStatus:
                    await asyncio.sleep(0.02)


async def test_sockets_are_limited_in_all(make_hall: Any) -> None:
    hall = await make_hall(max_sockets=3, trusted_proxies=["127.0.0.1"])
    async with AsyncExitStack() as stack:
        door = Door(hall.url, stack)
        first, _second = [await door.opens(f"203.0.113.{number}") for number in range(2)]
        assert (await door.polls("203.0.113.3")).status_code == 200
        assert await door.refuses("203.0.113.4") == BUSY
        await first.close()
        await door.opens_at_last("203.0.113.4")


async def test_sockets_of_one_address_are_limited(make_hall: Any) -> None:
    hall = await make_hall(max_sockets_per_address=2, trusted_proxies=["127.0.0.1"])
    async with AsyncExitStack() as stack:
        door = Door(hall.url, stack)
        first = await door.opens("203.0.113.1")
        assert (await door.polls("203.0.113.1")).status_code == 200
        assert await door.refuses("203.0.113.1") == TOO_MANY
        # What a client writes itself stands further left than what the proxy has added.
        assert await door.refuses("198.51.100.1, 203.0.113.1") == TOO_MANY
        await door.opens("203.0.113.2")
        await first.close()
        await door.opens_at_last("203.0.113.1")


async def test_of_ipv6_a_network_is_limited(make_hall: Any) -> None:
    hall = await make_hall(max_sockets_per_address=2, trusted_proxies=["127.0.0.1"])
    async with AsyncExitStack() as stack:
        door = Door(hall.url, stack)
        first, _second = [await door.opens(f"2001:db8::{number}:1") for number in range(2)]
        assert await door.refuses("2001:db8::ffff:1") == TOO_MANY
        await door.opens("2001:db8:0:1::1")
        await first.close()
        await door.opens_at_last("2001:db8::5")
