"""The crowd of bench/mixed.py, in a process of its own, so that its work is not in the times that are measured.

Chat clients in rooms of fifty, and callers who log in. It obeys lines on standard input (`talk`, `hush`, `end`) and
answers each with a line of JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import uvloop

from bench.kit.process import pin_load
from bench.kit.socketio_load import LoadClient

CLIENTS_A_ROOM: Final = 50
LOGINS_AT_ONCE: Final = 8


@dataclass
class Crowd:
    """Everybody, and what they were told since the last look."""

    url: str
    key: str
    room_ids: list[str]
    emails: list[str]
    messages_a_second: float
    rooms: list[list[LoadClient]] = field(default_factory=list)
    logins: dict[int, int] = field(default_factory=dict)
    sent: int = 0
    talking: bool = False

    async def gather(self) -> None:
        """Let all chat clients in."""
        for room_id in self.room_ids:
            inside = []
            for number in range(CLIENTS_A_ROOM):
                client = await LoadClient.open(self.url, {"apiKey": self.key})
                await client.request("createRoom", {"room_id": room_id})
                await client.request("join", {"room_id": room_id, "name": f"Viewer {number}"})
                inside.append(client)
            self.rooms.append(inside)

    async def talk(self) -> None:
        """Chat and log in until `talking` is unset; every message and login that was begun is ended."""
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            await asyncio.gather(self._chat(), *(self._log_in(client, number) for number in range(LOGINS_AT_ONCE)))

    async def _chat(self) -> None:
        while self.talking:
            room = self.rooms[self.sent % len(self.rooms)]
            self.sent += 1
            await room[self.sent % len(room)].request("sendMessage", {"message": f"Message {self.sent}"})
            await asyncio.sleep(1 / self.messages_a_second)

    async def _log_in(self, client: httpx.AsyncClient, number: int) -> None:
        count = number
        while self.talking:
            count += LOGINS_AT_ONCE
            password = "a long password" if count // LOGINS_AT_ONCE % 2 else "another password"
            body = {"email": self.emails[count % len(self.emails)], "password": password}
            answer = await client.post("/auth/login", json=body, headers={"x-api-key": self.key})
            self.logins[answer.status_code] = self.logins.get(answer.status_code, 0) + 1

    def deliveries(self) -> int:
        """How many messages were heard since the last look."""
        return sum(event == "message" for room in self.rooms for client in room for event, _ in client.events)

    async def all_heard(self) -> None:
        """Wait until everybody has heard all that the others said, up to a minute."""
        deadline = time.monotonic() + 60
        while self.deliveries() < self.sent * (CLIENTS_A_ROOM - 1) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)

    def told(self) -> dict[str, Any]:
        """What has happened since the last look; it begins anew."""
        told = {"sent": self.sent, "deliveries": self.deliveries(), "logins": self.logins}
        for client in (client for room in self.rooms for client in room):
            client.events.clear()
        self.sent, self.logins = 0, {}
        return told


async def obey(crowd: Crowd) -> None:
    """Do what the lines say."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await crowd.gather()
    crowd.told()
    print(json.dumps({"gathered": sum(map(len, crowd.rooms))}), flush=True)
    talking: asyncio.Task[None] | None = None
    while (order := (await reader.readline()).decode().strip()) in ("talk", "hush"):
        crowd.talking = False
        if talking is not None:
            await talking
            await crowd.all_heard()
        crowd.talking = order == "talk"
        talking = asyncio.create_task(crowd.talk()) if crowd.talking else None
        print(json.dumps(crowd.told()), flush=True)


if __name__ == "__main__":
    pin_load()
    uvloop.run(obey(Crowd(**json.loads(sys.argv[1]))))
