"""What waits for a client that does not read as fast as it is sent to. Bounded."""

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from socketio_server.frames import count

Overflow = Literal["drop", "coalesce", "disconnect"]


WATER: Final = 64 * 1024
"""Bytes that may wait in a transport before the session's queue takes over; bytes of messages joined for one write."""


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """How much may wait for one client, and what happens to more.

    Attributes:
        max_packets: frames that may wait.
        max_bytes: bytes that may wait, what the transport keeps included: a sixteenth of them (64 KiB at most) and one
            message more, before the queue begins.
        overflow: `drop` leaves out what does not fit any more; `coalesce` lets a message replace a waiting one of the
            same key, and drops what has none; `disconnect` ends the session.
        stall_seconds: a client that has taken nothing for so long is disconnected, whatever else is said here.
    """

    max_packets: int = 2000
    max_bytes: int = 1 << 20
    overflow: Overflow = "drop"
    stall_seconds: float = 30.0

    @property
    def water(self) -> int:
        """Bytes that may wait in the transport before the queue takes over."""
        return min(WATER, self.max_bytes // 16)


class _Entry:
    __slots__ = ("key", "number", "wire")

    def __init__(self, wire: bytes, key: str | None) -> None:
        self.wire = wire
        self.key = key
        self.number = count(wire)


class Full(Exception):
    """The queue is full, and the policy says to disconnect."""


class Outbox:
    """The queue of one session, in the order of sending."""

    __slots__ = ("_entries", "_keyed", "_policy", "dropped", "packets", "size")

    def __init__(self, policy: QueuePolicy) -> None:
        self._policy = policy
        self._entries: deque[_Entry] = deque()
        self._keyed: dict[str, _Entry] | None = None
        self.packets = 0
        self.size = 0
        self.dropped = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    def force(self, wire: bytes) -> None:
        """Append a packet of the protocol itself, which is small and always fits."""
        self._append(_Entry(wire, None))

    def put(self, wire: bytes, key: str | None = None, overflow: Overflow | None = None, *, beside: int = 0) -> None:
        """Append a message, as far as the policy lets it.

        Args:
            beside: bytes that have left the queue, and that the transport still keeps.

        Raises:
            Full: it does not fit, and that is to end the session.
        """
        overflow = overflow or self._policy.overflow
        entry = _Entry(wire, key if overflow == "coalesce" else None)
        old = self._keyed.get(entry.key) if self._keyed and entry.key is not None else None
        if self._is_too_much(entry, old, beside):
            if overflow == "disconnect":
                raise Full
            self.dropped += 1
        elif old is not None:
            self._change(entry.number - old.number, len(wire) - len(old.wire))
            old.wire, old.number = wire, entry.number
        else:
            self._append(entry)

    def take(self) -> bytes:
        """The first message; the queue may not be empty."""
        entry = self._entries.popleft()
        self._change(-entry.number, -len(entry.wire))
        if entry.key is not None and self._keyed:
            # What is on its way can no longer be replaced.
            self._keyed.pop(entry.key, None)
        return entry.wire

    def _is_too_much(self, entry: _Entry, old: _Entry | None, beside: int) -> bool:
        packets = self.packets + entry.number - (old.number if old else 0)
        size = beside + self.size + len(entry.wire) - (len(old.wire) if old else 0)
        return packets > self._policy.max_packets or size > self._policy.max_bytes

    def _append(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._change(entry.number, len(entry.wire))
        if entry.key is not None:
            self._keyed = self._keyed or {}
            self._keyed[entry.key] = entry

    def _change(self, packets: int, size: int) -> None:
        self.packets += packets
        self.size += size
