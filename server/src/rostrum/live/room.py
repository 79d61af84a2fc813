"""A live room and its peers: state and pure questions about it, no I/O."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rostrum.auth import RoomRole
from rostrum.kit import clock
from rostrum.kit.ids import new_id
from rostrum.live.errors import PeerNotFound
from rostrum.rooms import RoomInfo

LARGE_ROOM = 50
"""Above this many peers presence goes out in batches and lists carry the stage and a count."""


@dataclass(eq=False, slots=True)
class Peer:
    """One participant of a live room. It outlives its socket by the grace period.

    Attributes:
        id: stable over reconnections, unlike `connection_id`.
        subject: who it is (see rooms.Admission).
        connection_id: its socket; None while it is in its grace period.
        resume: secret that proves to be this peer after a reconnection.
        takeovers: how often a new socket has taken it over.
    """

    room: "LiveRoom"
    name: str
    role: RoomRole
    subject: str
    connection_id: str | None
    id: str = field(default_factory=new_id)
    resume: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    joined_at: int = field(default_factory=clock.now_ms)
    takeovers: int = 0
    left: bool = False
    grace: asyncio.TimerHandle | None = None

    @property
    def on_stage(self) -> bool:
        """Hosts and co-hosts may produce media and look after the room."""
        return self.role != "viewer"

    def public(self) -> dict[str, Any]:
        """What the others see of it."""
        return {"id": self.id, "name": self.name, "role": self.role}


class _Index:
    """Ways to find a peer without a look at each: when a whole audience comes back at once, everyone is looked for."""

    __slots__ = ("by_resume", "by_socket", "ghosts")

    def __init__(self) -> None:
        self.by_socket: dict[str, Peer] = {}
        self.by_resume: dict[str, Peer] = {}
        # Peers without a socket by subject, and by their id in the order in which they lost it.
        self.ghosts: dict[str, dict[str, Peer]] = {}

    def add(self, peer: Peer) -> None:
        """Let a peer be found as it is now."""
        self.by_resume[peer.resume] = peer
        if peer.connection_id is None:
            self.ghosts.setdefault(peer.subject, {})[peer.id] = peer
        else:
            self.by_socket[peer.connection_id] = peer

    def discard(self, peer: Peer) -> None:
        """Let it no longer be found."""
        self.by_resume.pop(peer.resume, None)
        self.by_socket.pop(peer.connection_id or "", None)
        ghosts = self.ghosts.get(peer.subject, {})
        if ghosts.pop(peer.id, None) is not None and not ghosts:
            del self.ghosts[peer.subject]


@dataclass(eq=False, slots=True)
class LiveRoom:
    """The live state of a durable room: one session of it.

    Attributes:
        removed: subjects that a host has removed; this session does not take them back.
        requests: open co-host requests, request id → peer id.
        attendees: sockets present without media (meet set), connection id → name.
    """

    info: RoomInfo
    session_id: str = field(default_factory=new_id)
    started_at: int = field(default_factory=clock.now_ms)
    peers: dict[str, Peer] = field(default_factory=dict)
    locked: bool = False
    removed: set[str] = field(default_factory=set)
    requests: dict[str, str] = field(default_factory=dict)
    attendees: dict[str, str] = field(default_factory=dict)
    viewers: int = 0
    _index: _Index = field(default_factory=_Index)
    closed: bool = False
    closing: asyncio.TimerHandle | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_full(self) -> bool:
        """Whether it has as many peers as it may have."""
        return self.info.max_participants is not None and len(self.peers) >= self.info.max_participants

    def ghost(self) -> Peer | None:
        """A peer without a socket, whose place somebody may have in a full room."""
        return next((peer for ghosts in self._index.ghosts.values() for peer in ghosts.values()), None)

    @property
    def id(self) -> str:
        """The durable room's id."""
        return self.info.id

    @property
    def group(self) -> str:
        """The group of all sockets in the room."""
        return f"room:{self.info.id}"

    @property
    def stage_group(self) -> str:
        """The group of the hosts' and co-hosts' sockets."""
        return f"stage:{self.info.id}"

    @property
    def is_large(self) -> bool:
        """Whether presence must be aggregated."""
        return len(self.peers) > LARGE_ROOM

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, not even in a grace period."""
        return not self.peers and not self.attendees

    def close(self) -> bool:
        """Let it be over; False where it is already."""
        was_open, self.closed = not self.closed, True
        return was_open

    def add(self, peer: Peer) -> None:
        """Put a new peer into the room."""
        self.peers[peer.id] = peer
        self.viewers += not peer.on_stage
        self._index.add(peer)

    def attach(self, peer: Peer, connection_id: str | None) -> None:
        """Note by which socket a peer of this room is reached; None: it has lost it."""
        self._index.discard(peer)
        peer.connection_id = connection_id
        if peer.id in self.peers:
            self._index.add(peer)

    def discard(self, peer: Peer) -> None:
        """Take a peer out, with its open requests."""
        self._index.discard(peer)
        if self.peers.pop(peer.id, None) is not None:
            self.viewers -= not peer.on_stage
        for request in [key for key, value in self.requests.items() if value == peer.id]:
            del self.requests[request]

    def set_role(self, peer: Peer, role: RoomRole) -> None:
        """Give a peer another role."""
        self.viewers += int(peer.on_stage) - int(role != "viewer")
        peer.role = role

    def peer(self, peer_id: str | None) -> Peer:
        """The peer with this id.

        Raises:
            PeerNotFound: this room has none.
        """
        peer = self.peers.get(peer_id or "")
        if peer is None:
            raise PeerNotFound()
        return peer

    def peer_of_socket(self, connection_id: str | None) -> Peer:
        """The peer behind a socket of this room; PeerNotFound as `peer`."""
        peer = self._index.by_socket.get(connection_id or "")
        if peer is None:
            raise PeerNotFound()
        return peer

    def stage(self) -> Iterator[Peer]:
        """The hosts and co-hosts."""
        return (peer for peer in self.peers.values() if peer.on_stage)

    def listed(self) -> Iterator[Peer]:
        """The peers that a list shows: all, or only the stage in a large room."""
        return self.stage() if self.is_large else iter(self.peers.values())

    def returning(self, subject: str, resume: str | None) -> Peer | None:
        """The peer that a joining socket takes over, if any.

        With its secret at once, even while the server believes the old socket alive; by the same identity alone only
        in the grace period, for two open windows of one person are two peers.
        """
        if resume and (peer := self._index.by_resume.get(resume)) is not None:
            return peer
        return next(iter(self._index.ghosts.get(subject, {}).values()), None)

    def public(self) -> dict[str, Any]:
        """The room's state as `join` and `getMyRoomInfo` tell it."""
        return {
            "id": self.info.id,
            "name": self.info.name,
            "type": self.info.type,
            "isPrivate": self.info.is_private,
            "maxParticipants": self.info.max_participants,
            "p2p": self.info.p2p,
            "locked": self.locked,
            "sessionId": self.session_id,
            "startedAt": clock.iso(self.started_at),
            "peerCount": len(self.peers),
            "viewerCount": self.viewers,
        }
