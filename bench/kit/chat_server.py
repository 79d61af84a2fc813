"""The package socketio-server alone with the events of peers/node/chat.js: what the transport costs without Rostrum.

It prints one line of JSON when it is ready: {url, pid}.
"""

import asyncio
import json
import os
import socket as network
import time
from collections import deque
from typing import Any

import uvicorn
import uvloop
from socketio_server import Server, Socket


class Chat:
    """Chat of rooms, all in memory."""

    def __init__(self, server: Server) -> None:
        self._main = server.of("/")
        self._rooms: dict[str, deque[dict[str, Any]]] = {}
        self._lines = 0
        for event, handler in (("createRoom", self.create), ("join", self.join), ("sendMessage", self.say)):
            self._main.on(event, handler)

    async def create(self, socket: Socket, body: dict[str, Any]) -> dict[str, Any]:
        """Make a room unless it is there; `history` is how many messages it remembers."""
        created = body["room_id"] not in self._rooms
        self._rooms.setdefault(body["room_id"], deque(maxlen=body.get("history", 100)))
        return {"room_id": body["room_id"], "created": created}

    async def join(self, socket: Socket, body: dict[str, Any]) -> dict[str, Any]:
        """Enter a room."""
        room = body["room_id"]
        socket.data = {"name": body["name"], "room": room}
        socket.join(room)
        return {"id": socket.id, "room": {"id": room}, "chatHistory": list(self._rooms[room]), "role": "viewer"}

    async def say(self, socket: Socket, body: dict[str, Any]) -> dict[str, Any]:
        """Tell the rest of the room, under both names of the documented event."""
        self._lines += 1
        line = {
            "id": str(self._lines),
            "room_id": body["room_id"],
            "name": socket.data["name"],
            "peer_id": socket.id,
            "message": body["message"],
            "timestamp": int(time.time() * 1000),
            "socketId": socket.id,
            "peerId": socket.id,
        }
        self._rooms[body["room_id"]].append(line)
        others = self._main.to(body["room_id"]).except_(socket.id)
        for event in ("message", "sendMessage"):
            others.emit(event, line)
        return {"id": line["id"], "timestamp": line["timestamp"]}


async def main() -> None:
    """Serve until SIGTERM."""
    server = Server()
    Chat(server)
    listener = network.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        server.asgi, ws=server.protocol_class(), http="httptools", lifespan="off", log_level="warning", access_log=False
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
