"""Connection state recovery: a client that loses its connection comes back as the same socket, and misses nothing.

Each message carries an offset behind its arguments. Who comes back tells the secret of its socket and the last offset
that it has heard, gets its id and its rooms again, and what was sent to them since. What it takes is bounded: whoever
asks for more than is remembered is a new socket, as without all this.

Source: https://socket.io/docs/v4/connection-state-recovery
"""

import re
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from socketio_server.handshake import Handshake
    from socketio_server.socket import Socket

_OFFSET = re.compile("[0-9a-f]{1,15}")

RECOVERABLE: Final = frozenset({"transport close", "transport error", "ping timeout", "server shutting down"})
"""Why a socket may have gone that can come back; whoever left, or was sent away, comes as somebody new."""


@dataclass(frozen=True, slots=True)
class RecoveryPolicy:
    """What is remembered for clients that lose their connection, in each namespace.

    Attributes:
        seconds: how long a client may be away.
        max_packets, max_bytes: of the messages that are remembered.
        max_sessions: sockets that are remembered after they have gone.
    """

    seconds: float = 120.0
    max_packets: int = 10_000
    max_bytes: int = 16 << 20
    max_sessions: int = 10_000


class Left(NamedTuple):
    """A socket that has gone and may come back.

    Attributes:
        sid: its id.
        rooms: those that it was in.
        data: what the application kept of it.
        until: when it is forgotten, in seconds of the event loop.
    """

    sid: str
    rooms: frozenset[str]
    data: Any
    until: float


class Message(NamedTuple):
    """A message that somebody may have missed: its place, whom it was for, its frames, and when it was sent."""

    place: int
    rooms: tuple[str, ...]
    excepted: tuple[str, ...]
    wire: bytes
    sent_at: float


class Recovery:
    """What one namespace remembers.

    Args:
        now: the event loop's time in seconds.
    """

    def __init__(self, policy: RecoveryPolicy, now: Callable[[], float]) -> None:
        self._policy = policy
        self._now = now
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._next = 0
        self._left: dict[str, Left] = {}

    def offset(self) -> str:
        """What the next message carries."""
        return f"{self._next:x}"

    def keep(self, rooms: tuple[str, ...], excepted: tuple[str, ...], wire: bytes) -> None:
        """Remember a message that carries the offset."""
        now = self._now()
        self._messages.append(Message(self._next, rooms, excepted, wire, now))
        self._next += 1
        self._bytes += len(wire)
        self._forget_messages(now)

    def remember(self, socket: "Socket") -> None:
        """A socket has gone, and may come back."""
        now = self._now()
        self._left[socket.handshake.secret] = Left(socket.id, socket.rooms, socket.data, now + self._policy.seconds)
        while self._left:
            secret, oldest = next(iter(self._left.items()))
            if len(self._left) <= self._policy.max_sessions and oldest.until > now:
                break
            del self._left[secret]

    def recognise(self, handshake: "Handshake") -> None:
        """See whether somebody comes back; if so, it has its id from now on."""
        auth = handshake.auth if isinstance(handshake.auth, dict) else {}
        secret, offset = auth.get("pid"), auth.get("offset")
        left = self._left.pop(secret, None) if isinstance(secret, str) else None
        place = _place(offset)
        if left is not None and left.until > self._now() and place is not None:
            handshake.id, handshake.secret, handshake.restored = left.sid, str(secret), (left, place)
        else:
            handshake.secret = secrets.token_urlsafe(15)

    def missed(self, left: Left, place: int) -> list[bytes] | None:
        """What a socket has missed after its last message, oldest first; None when not all of it is remembered."""
        self._forget_messages(self._now())
        first = self._next - len(self._messages)
        if not first - 1 <= place < self._next:
            return None
        names = {*left.rooms, left.sid}
        return [
            message.wire
            for message in self._messages
            if message.place > place
            and (not message.rooms or not names.isdisjoint(message.rooms))
            and names.isdisjoint(message.excepted)
        ]

    def _forget_messages(self, now: float) -> None:
        policy, messages = self._policy, self._messages
        while messages and (
            len(messages) > policy.max_packets
            or self._bytes > policy.max_bytes
            or messages[0].sent_at < now - policy.seconds
        ):
            self._bytes -= len(messages.popleft().wire)


def _place(offset: Any) -> int | None:
    return int(offset, 16) if isinstance(offset, str) and _OFFSET.fullmatch(offset) else None
