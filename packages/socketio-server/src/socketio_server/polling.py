"""The long-polling transport: a GET takes what waits, a POST brings what the client sends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from socketio_server import packets
from socketio_server.errors import PacketError, Refused
from socketio_server.handshake import BAD_REQUEST, UNKNOWN_SESSION

if TYPE_CHECKING:
    from socketio_server.server import Server
    from socketio_server.session import Session

Receive = Callable[[], Awaitable[Any]]

PER_TURN: Final = 256
"""Packets of one body that are handled before the event loop gets its turn."""
PACKETS_PER_BODY: Final = 16384
BODY_SECONDS: Final = 20.0
LINGER_SECONDS: Final = 10.0
"""How long a client may take to fetch our good-bye."""


class PollingLink:
    """The requests of one session."""

    name = "polling"
    __slots__ = ("_closing", "_free", "_good_bye", "_poll", "_posting", "server", "session", "slot")

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.session: Session | None = None
        self.slot = 0
        self._poll: asyncio.Future[None] | None = None
        self._posting = False
        self._free: asyncio.Future[None] | None = None
        self._closing = False
        self._good_bye = packets.CLOSE_WIRE

    # What the session asks for.

    def direct(self) -> None:
        """There is no direct way: all waits for the next GET."""

    def holds(self) -> int:
        """Nothing: a GET takes it along."""
        return 0

    def wake(self) -> None:
        """Answer the GET that waits."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def hold(self) -> None:
        """Answer no POST for now."""
        self._free = self._free or asyncio.get_running_loop().create_future()

    def release(self) -> None:
        """Answer them again."""
        if self._free is not None and not self._free.done():
            self._free.set_result(None)
        self._free = None

    def close(self, _code: int, _reason: str, *, linger: bool) -> None:
        """End with the GET that waits; if it lingers, with the next one, or without it after a while."""
        if not self._closing:
            self._closing = True
            self.release()
            self.wake()
            if linger:
                self.server.wheel.set(self, LINGER_SECONDS)
            else:
                self.expired()

    def abort(self) -> None:
        """End at once."""
        self._closing = True
        self.release()
        self.wake()
        self.expired()

    def superseded(self) -> None:
        """A WebSocket has taken over: the GET that waits ends with nothing in it."""
        self._good_bye = packets.NOOP_WIRE
        self.abort()

    def expired(self) -> None:
        """Nobody came for the good-bye."""
        self.server.wheel.cancel(self)
        if self.session is not None:
            self.server.polls.pop(self.session.sid, None)
            self.session = None

    # What the client asks for.

    async def get(self, receive: Receive) -> bytes:
        """Wait until there is something, and take it.

        Raises:
            Refused: a GET waits already, which ends the session; or the client has gone.
        """
        session = self._of()
        if self._poll is not None:
            session.lost("transport error")
            raise Refused(400, "Bad request", BAD_REQUEST)
        if not session.outbox and not self._closing and session.probe is None:
            await self._wait(session, receive)
        payload = packets.polling_payload(self._take(session))
        if self._closing:
            self.expired()
        return payload

    async def _wait(self, session: "Session", receive: Receive) -> None:
        self._poll = asyncio.get_running_loop().create_future()
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({self._poll, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not self._poll.done():
                session.lost("transport error")
                raise Refused(400, "Bad request", BAD_REQUEST)
        finally:
            leaving.cancel()
            self._poll = None

    def _take(self, session: "Session") -> list[bytes]:
        # After an upgrade, the queue is the other transport's.
        outbox = session.outbox if session.link is self else None
        wires = []
        while outbox:
            wires.append(outbox.take())
        if self._closing:
            wires.append(self._good_bye)
        return wires or [packets.NOOP_WIRE]

    async def post(self, receive: Receive, length: str | None) -> None:
        """Take packets.

        Raises:
            Refused: the body is too large, too slow, malformed, or comes beside another one.
        """
        session = self._of()
        if self._posting or self._closing:
            session.lost("transport error")
            raise Refused(400, "Bad request", BAD_REQUEST)
        self._posting = True
        try:
            body = await _body(receive, length, self.server.max_frame)
            await self._deliver(session, packets.split_payload(body.decode()))
        except (PacketError, UnicodeDecodeError) as error:
            session.failed(PacketError(str(error)))
            raise Refused(400, "Bad request", BAD_REQUEST) from None
        except Refused:
            session.lost("transport error")
            raise
        finally:
            self._posting = False
        if self._free is not None:
            await self._free

    async def _deliver(self, session: "Session", received: list[str | bytes]) -> None:
        if len(received) > PACKETS_PER_BODY:
            raise PacketError("too many packets")
        for number, packet in enumerate(received, 1):
            if isinstance(packet, bytes):
                session.receive_binary(packet)
            else:
                session.receive_text(packet)
            if session.ended:
                if packet == packets.CLOSE:
                    # The client itself said good-bye: its GET ends with nothing in it.
                    self._good_bye = packets.NOOP_WIRE
                return
            if number % PER_TURN == 0:
                await asyncio.sleep(0)
                if self._free is not None:
                    await self._free

    def _of(self) -> "Session":
        if self.session is None:
            raise Refused(400, "Session ID unknown", UNKNOWN_SESSION)
        return self.session


async def _left(receive: Receive) -> None:
    """Wait until the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive, length: str | None, limit: int) -> bytes:
    if length is not None and length.isdecimal() and int(length[:20]) > limit:
        raise Refused(413, "Payload too large")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(400, "Bad request", BAD_REQUEST)
                body += message.get("body", b"")
                if len(body) > limit:
                    raise Refused(413, "Payload too large")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refused(408, "Request timeout") from None
