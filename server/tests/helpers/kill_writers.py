"""Clients that write without a pause and remember what they were told, until the server is gone."""

import asyncio
import random
import string
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import socketio

PERSON = {"fName": "A", "lName": "B", "phoneNumber": "12345", "country": "PK", "password": "long enough"}
GONE = (httpx.TransportError, socketio.exceptions.SocketIOError, TimeoutError)


@dataclass
class Ledger:
    """What was acknowledged, and what may have been done without anybody having heard of it.

    Attributes:
        requests: request id → action and outcome, of all answered requests.
        names: room → the last name that was acknowledged, then those that were on their way.
        recordings: meeting → recording ids that were acknowledged.
        files: name → letter and size, of the uploads that were acknowledged; deleted: of the deletions.
        chat: client id → message id; unsent: client id → text of messages that were never acknowledged.
        deeds: how many actions of each name were acknowledged on sockets; tried: how many were sent.
    """

    requests: dict[str, tuple[str, str]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    rooms: list[str] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=dict)
    meetings: list[str] = field(default_factory=list)
    recordings: dict[str, set[str]] = field(default_factory=dict)
    files: dict[str, tuple[str, int]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    chat: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    deeds: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)

    @property
    def acknowledged(self) -> int:
        """How many writes were answered."""
        return len(self.requests) + len(self.chat) + self.deeds.total()


class HttpWriter:
    """One client of the tenant's backend; `choose` is its source of chance."""

    def __init__(self, client: httpx.AsyncClient, ledger: Ledger, stage: dict[str, str], choose: random.Random) -> None:
        self._client, self._ledger, self._stage, self._choose = client, ledger, stage, choose
        self._mine: list[str] = []  # Rooms that no other writer changes.
        self._deeds: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.register, 1),
            (self.fail_to_log_in, 1),
            (self.make_room, 5),
            (self.rename_room, 5),
            (self.delete_room, 1),
            (self.change_cohost, 4),
            (self.invite, 3),
            (self.make_meeting, 3),
            (self.record_meeting, 5),
            (self.upload, 8),
            (self.delete_file, 3),
        ]

    async def run(self) -> None:
        """Write until the server is gone."""
        verbs, weights = zip(*self._deeds, strict=True)
        with suppress(*GONE):
            while True:
                await self._choose.choices(verbs, weights)[0]()

    async def _ask(self, action: str, method: str, path: str, body: Any = None, status: int = 201) -> httpx.Response:
        answer = await self._client.request(method, path, **({"json": body} if body is not None else {}))
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        outcome = "success" if status < 400 else "failure"
        self._ledger.requests[answer.headers["x-request-id"]] = (action, outcome)
        return answer

    def _word(self) -> str:
        return "".join(self._choose.choices(string.ascii_lowercase, k=12))

    async def register(self) -> None:
        email = f"{self._word()}@example.org"
        await self._ask("user.register", "POST", "/auth/register", {**PERSON, "email": email})
        self._ledger.users.add(email)

    async def fail_to_log_in(self) -> None:
        body = {"userName": f"{self._word()}@example.org", "password": "wrong"}
        await self._ask("auth.login", "POST", "/auth/login", body, 401)

    async def make_room(self) -> None:
        answer = await self._ask("room.create", "POST", "/room/create", {"name": "first", "type": "webinar"})
        room = answer.json()["data"]["id"]
        self._mine.append(room)
        self._ledger.rooms.append(room)
        self._ledger.names[room] = ["first"]

    async def rename_room(self) -> None:
        if not self._mine:
            return
        room, name = self._choose.choice(self._mine), self._word()
        self._ledger.names[room].append(name)
        await self._ask("room.change", "PATCH", f"/v1/rooms/{room}", {"name": name}, 200)
        self._ledger.names[room] = [name]

    async def delete_room(self) -> None:
        if not self._mine:
            return
        room = self._mine.pop()
        self._ledger.rooms.remove(room)
        del self._ledger.names[room]
        await self._ask("room.delete", "DELETE", f"/v1/rooms/{room}", status=204)

    async def change_cohost(self) -> None:
        method, status = self._choose.choice((("PUT", 200), ("DELETE", 204)))
        room, user = self._stage["room"], self._stage[self._choose.choice(("bob", "cy"))]
        await self._ask("role.change", method, f"/v1/rooms/{room}/cohosts/{user}", status=status)

    async def invite(self) -> None:
        await self._ask("room.invite", "POST", f"/v1/rooms/{self._stage['room']}/invitations", {"role": "viewer"})

    async def make_meeting(self) -> None:
        body = {"title": "A", "hostId": self._stage["ada"], "transcriptEnabled": False}
        if self._choose.random() < 0.5:
            body["roomId"] = self._stage["room"]
        meeting = (await self._ask("meeting.create", "POST", "/meetings/create", body)).json()["data"]["_id"]
        self._ledger.meetings.append(meeting)
        self._ledger.recordings[meeting] = set()

    async def record_meeting(self) -> None:
        if not self._ledger.meetings:
            return
        meeting, recording = self._choose.choice(self._ledger.meetings[-20:]), self._word()
        body = {"userId": self._stage["ada"], "recordingId": recording}
        await self._ask("meeting.change", "POST", f"/meetings/update/{meeting}", body, 204)
        self._ledger.recordings[meeting].add(recording)

    async def upload(self) -> None:
        letter, size = self._choose.choice(string.ascii_lowercase), self._choose.randrange(1, 200_000)
        part = {"file": (f"{self._word()}.txt", letter.encode() * size)}
        answer = await self._client.post(f"/room/{self._stage['room']}/upload", files=part)
        assert answer.status_code == 200, answer.text
        self._ledger.requests[answer.headers["x-request-id"]] = ("file.upload", "success")
        self._ledger.files[answer.json()["data"]["filename"]] = (letter, size)

    async def delete_file(self) -> None:
        if not self._ledger.files:
            return
        name = self._choose.choice(sorted(self._ledger.files)[-20:])
        del self._ledger.files[name]
        self._ledger.unsure.add(name)
        path = f"/room/{self._stage['room']}/files/{name}"
        await self._ask("file.delete", "DELETE", path, status=200)
        self._ledger.unsure.discard(name)
        self._ledger.deleted.add(name)


class SocketWriter:
    """A host who says things, locks and unlocks the room, and sends guests out."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        ledger: Ledger,
        stage: dict[str, str],
        choose: random.Random,
        *,
        number: int,
        at: int,
    ) -> None:
        self._client, self._ledger, self._stage, self._choose = client, ledger, stage, choose
        self._number, self._at = number, at
        self._sockets: list[socketio.AsyncClient] = []
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Write until the server is gone."""
        try:
            with suppress(*GONE):
                await self._write()
        finally:
            for socket in self._sockets:
                with suppress(*GONE):
                    await socket.disconnect()

    async def _write(self) -> None:
        host = await self._enter({"apiKey": self._stage["key"], "token": self._stage["token"]})
        for client_id, words in list(self._ledger.unsent.items()):
            if client_id.startswith(f"{self._number}-"):
                await self._say(host, client_id, words)
        for turn in range(10_000):
            await self._say(host, f"{self._number}-{self._at}-{turn}", "".join(self._choose.choices("abc", k=20)))
            if self._number == 0 and turn % 3 == 0:
                locked = self._choose.random() < 0.5
                await self._do(host, "room.lock" if locked else "room.unlock", "room:lock", {"locked": locked})
            if self._number == 1 and turn % 10 == 0:
                await self._send_somebody_out(host)

    async def _send_somebody_out(self, host: socketio.AsyncClient) -> None:
        """A co-host, whom no locked door keeps out; somebody else each time."""
        path = f"/v1/rooms/{self._stage['room']}/invitations"
        token = (await self._client.post(path, json={"role": "cohost"})).json()["data"]["token"]
        guest = await self._enter({"apiKey": self._stage["key"], "token": token})
        me = await self._call(guest, "getMyRoomInfo", {})
        await self._do(host, "peer.remove", "peer:remove", {"peer_id": me["id"]})

    async def _enter(self, auth: dict[str, str]) -> socketio.AsyncClient:
        socket = socketio.AsyncClient(reconnection=False)
        self._sockets.append(socket)
        if len(self._sockets) == 1:  # The host's; a guest's ends before the server does.
            socket.on("disconnect", self._on_gone)
        await socket.connect(str(self._client.base_url), auth=auth, transports=["websocket"])
        await self._call(socket, "join", {"room_id": self._stage["room"], "name": "N"})
        return socket

    async def _on_gone(self, *_: Any) -> None:
        self._gone.set()

    async def _say(self, host: socketio.AsyncClient, client_id: str, words: str) -> None:
        self._ledger.unsent[client_id] = words
        answer = await self._call(host, "sendMessage", {"message": words, "clientId": client_id})
        self._ledger.chat[client_id] = answer["id"]
        del self._ledger.unsent[client_id]

    async def _do(self, host: socketio.AsyncClient, action: str, event: str, body: dict[str, Any]) -> None:
        self._ledger.tried[action] += 1
        await self._call(host, event, body)
        self._ledger.deeds[action] += 1

    async def _call(self, socket: socketio.AsyncClient, event: str, body: dict[str, Any]) -> Any:
        waiting = asyncio.ensure_future(socket.call(event, body, timeout=30))
        gone = asyncio.ensure_future(self._gone.wait())
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not waiting.done():
            waiting.cancel()
            raise socketio.exceptions.DisconnectedError
        answer = await waiting
        assert "error" not in answer, (event, answer)
        return answer
