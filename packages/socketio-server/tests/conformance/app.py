"""The server under test, as a program: `python app.py '{"pingInterval": 0.5}'`.

It prints one line of JSON when it listens: {url, pid}. Its options are those of `DEFAULTS`. reference.js is the same
application on Node's socket.io, against which the tests themselves are checked.
"""

import asyncio
import json
import os
import socket as network
import sys
from typing import Any

import uvicorn
import uvloop

from socketio_server import ConnectRefused, Handshake, Namespace, QueuePolicy, RecoveryPolicy, Server, Socket

DEFAULTS: dict[str, Any] = {
    "pingInterval": 25.0,
    "pingTimeout": 20.0,
    "connectTimeout": 45.0,
    "maxPayload": 1 << 20,
    "transports": ["polling", "websocket"],
    "origins": None,
    "maxConnections": None,
    "maxConnectionsPerAddress": None,
    "queuePackets": 2000,
    "queueBytes": 1 << 20,
    "overflow": "disconnect",
    "stallSeconds": 30.0,
    "recoverySeconds": None,
}


class Application:
    """Echoes, acknowledgements both ways, rooms and refusals; it remembers why sockets have gone."""

    def __init__(self, server: Server) -> None:
        self.reasons: list[list[str]] = []
        self.sockets: dict[str, Socket] = {}
        main, custom, secret = server.of("/"), server.of("/custom"), server.of("/secret")
        for namespace in (main, custom, secret):
            namespace.on_connect(self.connected)
            namespace.on_disconnect(self.disconnected)
            for event in ("echo", "ack", "nothing", "ask", "burst", "fill", "kick"):
                namespace.on(event, getattr(self, event))
        secret.use(self.guard)
        self.rooms(main)

    async def connected(self, socket: Socket) -> None:
        """Tell the client what its handshake said."""
        self.sockets[socket.id] = socket
        socket.emit("auth", socket.handshake.auth or {})

    async def disconnected(self, socket: Socket, reason: str) -> None:
        """Remember why."""
        self.sockets.pop(socket.id, None)
        self.reasons.append([socket.id, reason])

    async def guard(self, handshake: Handshake) -> None:
        """Refuse whoever does not know the word."""
        if not isinstance(handshake.auth, dict) or handshake.auth.get("token") != "right":
            raise ConnectRefused("not allowed", data={"code": "wrong_token"})

    async def echo(self, socket: Socket, *args: Any) -> None:
        """Send the arguments back as an event."""
        socket.emit("echo", *args)

    async def ack(self, socket: Socket, *args: Any) -> tuple[Any, ...]:
        """Send the arguments back as the acknowledgement."""
        return args

    async def nothing(self, socket: Socket, *args: Any) -> None:
        """Acknowledge without arguments."""

    async def ask(self, socket: Socket, *args: Any) -> None:
        """Ask the client, and tell it what it has answered."""
        socket.emit("answered", await socket.call("question", *args, timeout=5.0))

    async def burst(self, socket: Socket, count: int) -> None:
        """Send so many numbered events."""
        for number in range(count):
            socket.emit("burst", number)

    async def fill(self, socket: Socket, count: int, size: int) -> None:
        """Send so many events of this size."""
        for number in range(count):
            socket.emit("fill", number, "x" * size)

    async def kick(self, socket: Socket, close: bool) -> None:
        """Disconnect the client: from the namespace, or altogether."""
        socket.disconnect(close=close)

    def rooms(self, main: Namespace) -> None:
        """The events around rooms, and what tests want to know of the server."""

        async def join(socket: Socket, room: str) -> str:
            socket.join(room)
            return room

        async def leave(socket: Socket, room: str) -> str:
            socket.leave(room)
            return room

        async def say(socket: Socket, room: str, *args: Any) -> int:
            main.to(room).except_(socket.id).emit("said", *args)
            return len(args)

        async def flood(socket: Socket, room: str, count: int, size: int) -> int:
            for number in range(count):
                main.to(room).emit("said", number, "x" * size)
                if number % 10 == 9:
                    await asyncio.sleep(0.01)
            return count

        async def reasons(socket: Socket) -> tuple[list[list[str]]]:
            return (self.reasons,)

        async def present(socket: Socket) -> tuple[list[str]]:
            return (list(self.sockets),)

        async def tasks(socket: Socket) -> int:
            return len(asyncio.all_tasks())

        async def am_i(socket: Socket) -> tuple[bool, list[str]]:
            return socket.recovered, sorted(socket.rooms)

        for handler in (join, leave, say, flood, reasons, present, tasks, am_i):
            main.on(handler.__name__, handler)


async def main(options: dict[str, Any]) -> None:
    """Serve until SIGTERM."""
    origins = options["origins"]
    server = Server(
        ping_interval=options["pingInterval"],
        ping_timeout=options["pingTimeout"],
        connect_timeout=options["connectTimeout"],
        max_payload=options["maxPayload"],
        transports=tuple(options["transports"]),
        allow_origin=None if origins is None else lambda origin, host: origin in origins,
        max_connections=options["maxConnections"],
        max_connections_per_address=options["maxConnectionsPerAddress"],
        queue=QueuePolicy(
            max_packets=options["queuePackets"],
            max_bytes=options["queueBytes"],
            overflow=options["overflow"],
            stall_seconds=options["stallSeconds"],
        ),
        recovery=options["recoverySeconds"] and RecoveryPolicy(seconds=options["recoverySeconds"]),
    )
    Application(server)
    listener = network.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        server.asgi, ws=server.protocol_class(), http="httptools", lifespan="off", log_level="warning", access_log=False
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sys.stdout.write(json.dumps({"url": url, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    chosen = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main({**DEFAULTS, **chosen}))
