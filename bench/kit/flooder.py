"""Viewers who say as much as their connections take, in a process of their own, so that it is in no measured time.

It prints a line once they flood, and goes on until its standard input ends; then it prints how many events they sent.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Final

import uvloop

from bench.kit.crowd import Member, framed
from bench.kit.process import pin_load

EVENTS_A_WRITE: Final = 100
TEXT_BYTES: Final = 200


class Flooder(Member):
    """One of them.

    Attributes:
        sent: events that the connection has taken.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self._free = asyncio.Event()
        self._free.set()

    def pause_writing(self) -> None:
        """The connection takes no more for now."""
        self._free.clear()

    def resume_writing(self) -> None:
        """It takes more."""
        self._free.set()

    async def flood(self, room_id: str) -> None:
        """Say things to the room, each with a wish for an acknowledgement, until the task is cancelled."""
        said = json.dumps(["sendMessage", {"room_id": room_id, "message": "flood".ljust(TEXT_BYTES, "x")}])
        blob = framed(f"420{said}") * EVENTS_A_WRITE
        while not self.lost:
            await self._free.wait()
            self._transport.write(blob)
            self.sent += EVENTS_A_WRITE
            await asyncio.sleep(0)


@dataclass(frozen=True)
class Flood:
    """Who floods: one viewer in each of these rooms; several where a room is named several times."""

    url: str
    auth: dict[str, str]
    rooms: list[str]

    async def run(self) -> None:
        """Let them in, let them flood, let them go."""
        flooders = [await Flooder.open(self.url, self.auth) for _ in self.rooms]
        for flooder, room_id in zip(flooders, self.rooms, strict=True):
            await flooder.request("join", {"room_id": room_id, "name": "Flooder"})
        floods = [asyncio.create_task(one.flood(room)) for one, room in zip(flooders, self.rooms, strict=True)]
        print(json.dumps({"flooders": len(flooders)}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        ended = sum(one.lost for one in flooders)
        print(json.dumps({"sent": sum(one.sent for one in flooders), "disconnected": ended}), flush=True)
        for task in floods:
            task.cancel()
        for one in flooders:
            await one.close()


if __name__ == "__main__":
    pin_load()
    os.nice(15)  # Those who are measured share the core.
    uvloop.run(Flood(**json.loads(sys.argv[1])).run())
