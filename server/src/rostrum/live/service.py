"""The live core: opening rooms, joining, leaving, dropping and coming back."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from rostrum.auth import Principal
from rostrum.kit.cluster import Cluster
from rostrum.kit.db import Database
from rostrum.kit.errors import RostrumError
from rostrum.kit.events import EventBus
from rostrum.kit.ids import new_id
from rostrum.kit.realtime import Realtime
from rostrum.kit.sockets import Connection
from rostrum.live.answers import Answers
from rostrum.live.errors import NotInRoom, RemovedFromRoom, RoomFull, RoomLocked
from rostrum.live.events import PeerDropped, PeerJoined, PeerLeft, PeerResumed, RoomClosed
from rostrum.live.notifier import Notifier
from rostrum.live.openrooms import OpenRooms
from rostrum.live.presence import Presence
from rostrum.live.recorder import SessionRecorder
from rostrum.live.room import LiveRoom, Peer
from rostrum.live.schemas import Join
from rostrum.rooms import Admission, RoomService

log = structlog.get_logger(__name__)

_PEER = "peer"
_ATTENDANCE = "attendance"


class LiveService:
    """All live rooms of this node.

    Args:
        grace_seconds: how long the peer of a dropped socket, and a room without peers, are kept.
        ice_servers: what `join` tells browsers.
        features_of: the features of a tenant's package.
    """

    def __init__(
        self,
        realtime: Realtime,
        rooms: RoomService,
        events: EventBus,
        recorder: SessionRecorder,
        db: Database,
        cluster: Cluster,
        *,
        grace_seconds: float,
        ice_servers: list[dict[str, Any]],
        features_of: Callable[[str], dict[str, bool]],
    ) -> None:
        self.realtime = realtime
        self.notifier = Notifier(realtime)
        self.presence = Presence(self.notifier)
        self.open_rooms = OpenRooms(db, rooms, events, recorder, cluster, grace_seconds=grace_seconds)
        self.rooms = self.open_rooms.rooms
        self.recorder = recorder
        self.durable = rooms
        self.events = events
        self._grace = grace_seconds
        self.answers = Answers(ice_servers, features_of)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = 0
        self._cluster = cluster
        cluster.on_lost(self._lost)
        realtime.on_disconnect(self.dropped)

    async def start(self) -> None:
        """Take up the sessions that a kill of the server has interrupted; they have a while to be rejoined."""
        await self.open_rooms.start()
        await self.recorder.start()

    async def close(self) -> None:
        """End all rooms without telling their peers, who come back to the next run of the server."""
        await self.open_rooms.close()
        for room in list(self.rooms.values()):
            self._abandon(room)
        for task in list(self._tasks):
            task.cancel()
        await self.recorder.close()

    def peer_of(self, connection: Connection) -> Peer:
        """The peer behind a socket.

        Raises:
            NotInRoom: it has not joined, or is no longer in its room.
        """
        peer = connection.data.get(_PEER)
        if not isinstance(peer, Peer):
            raise NotInRoom()
        return peer

    async def create_room(self, principal: Principal, room_id: str) -> dict[str, Any]:
        """Open the live state of a room, made durable first if the caller may do that."""
        info, _made = await self.durable.ensure(principal, room_id)
        created = info.id not in self.rooms
        room = await self.open_rooms.open(info)
        if room.is_empty:
            self._close_later(room)
        return {"room_id": info.id, "created": created}

    async def _admit(self, connection: Connection, room_id: str, name: str | None) -> tuple[LiveRoom, Admission]:
        """The live room that somebody may enter, and as what.

        A room that ends at this moment is waited for, and then asked again: its roles are no longer those of before.
        """
        while True:
            ended = self._ended
            await self.open_rooms.forget_roles(room_id)
            admission = await self.durable.admit(connection.principal, room_id, name=name)
            room = await self.open_rooms.open(admission.room)
            if room.closed:
                await room.ended.wait()
            elif ended == self._ended:
                return room, admission

    async def join(self, connection: Connection, request: Join) -> dict[str, Any]:
        """Bring a socket into a room: as a new peer, or as the peer that it was before. A refusal changes nothing."""
        room, admission = await self._admit(connection, request.room_id, request.name)
        current = connection.data.get(_PEER)
        if isinstance(current, Peer) and current.room is room:
            return await self._acknowledgement(current, connection, request, resumed=True)
        peer = room.returning(admission.subject, request.resume)
        if peer is None:
            self._check_entry(room, admission)
        if isinstance(current, Peer):
            await self.leave(current, "moved")
        if peer is not None:
            await self._resume(peer, connection, fresh=request.fresh)
            return await self._acknowledgement(peer, connection, request, resumed=not request.fresh)
        if room.is_full and (ghost := room.ghost()) is not None:
            await self.leave(ghost, "dropped")
        peer = self._enter(room, admission, connection)
        await self.events.publish(PeerJoined(peer))
        self.presence.joined(peer)
        return await self._acknowledgement(peer, connection, request, resumed=False)

    def _check_entry(self, room: LiveRoom, admission: Admission) -> None:
        try:
            _check_entry(room, admission)
        except RostrumError:
            # The room may have been opened only for this.
            if room.is_empty and room.closing is None:
                self._close_later(room)
            raise

    def _enter(self, room: LiveRoom, admission: Admission, connection: Connection) -> Peer:
        peer = Peer(room, admission.display_name, admission.role, admission.subject, connection.id)
        room.add(peer)
        _cancel(room.closing)
        room.closing = None
        self._attach(peer, connection)
        self.recorder.joined(peer)
        return peer

    async def _resume(self, peer: Peer, connection: Connection, *, fresh: bool) -> None:
        old = self.realtime.connection(peer.connection_id) if peer.connection_id else None
        if old is not None and old is not connection:
            self._detach(peer)
            # The old socket learns that it was replaced, so that two windows do not fight for one peer.
            self.realtime.emit("peerReplaced", {"id": peer.id}, to=old.id)
            self._spawn(self.realtime.disconnect(old.id, "replaced"))
        _cancel(peer.grace)
        peer.grace = None
        peer.takeovers += 1
        self._attach(peer, connection)
        await self.events.publish(PeerResumed(peer, fresh))

    def _attach(self, peer: Peer, connection: Connection) -> None:
        peer.room.attach(peer, connection.id)
        connection.data[_PEER] = peer
        if self.realtime.connection(connection.id) is not connection:
            # The socket went away while it was being let in, and may have come anew.
            self._spawn(self.dropped(connection))
            return
        self.realtime.enter(connection.id, peer.room.group)
        self.sync_stage(peer)

    def _detach(self, peer: Peer) -> None:
        connection = self.realtime.connection(peer.connection_id) if peer.connection_id else None
        if connection is not None:
            connection.data.pop(_PEER, None)
            self.realtime.leave(connection.id, peer.room.group)
            self.realtime.leave(connection.id, peer.room.stage_group)
        peer.room.attach(peer, None)

    def sync_stage(self, peer: Peer) -> None:
        """Let the peer's socket hear what the stage hears, or no longer."""
        if peer.connection_id is not None:
            change = self.realtime.enter if peer.on_stage else self.realtime.leave
            change(peer.connection_id, peer.room.stage_group)

    async def dropped(self, connection: Connection) -> None:
        """A socket has gone: its peer is kept for a while."""
        self._end_attendance(connection)
        peer = connection.data.pop(_PEER, None)
        if not isinstance(peer, Peer) or peer.left or peer.connection_id != connection.id:
            return
        if connection.moved or self._grace <= 0:
            await self.leave(peer, "moved" if connection.moved else "dropped")
            return
        peer.room.attach(peer, None)
        peer.grace = asyncio.get_running_loop().call_later(
            self._grace, lambda: self._spawn(self.leave(peer, "dropped"))
        )
        await self.events.publish(PeerDropped(peer))

    async def exit(self, connection: Connection) -> None:
        """Leave the room, or end a presence without media.

        Raises:
            NotInRoom: there is neither.
        """
        if self._end_attendance(connection) and _PEER not in connection.data:
            return
        await self.leave(self.peer_of(connection), "left")

    async def leave(self, peer: Peer, reason: str, *, removed: bool = False) -> None:
        """Take a peer out of its room; harmless if it has left already."""
        if peer.left:
            return
        peer.left = True
        _cancel(peer.grace)
        room = peer.room
        room.discard(peer)
        self._detach(peer)
        self.recorder.left(peer, removed=removed)
        await self.events.publish(PeerLeft(peer, reason))
        if room.closed:
            return
        self.presence.left(peer)
        if room.is_empty:
            self._close_later(room)

    async def end(self, room: LiveRoom, reason: str, by: str | None = None) -> None:
        """Close a room for everybody: its session has ended."""
        if await self.open_rooms.is_led_elsewhere(room):
            await self._lost(room.id)
        if not room.close():
            return
        _cancel(room.closing)
        # Before anybody hears of it, so that nobody takes a role along into the next session.
        await self.open_rooms.end_roles(room.id)
        self._ended += 1
        self.open_rooms.take_out(room)
        body = {"reason": reason, **({"by": by} if by else {})}
        self.notifier.room(room, "roomClosed", body)
        for connection_id in room.attendees:
            self.realtime.emit("roomClosed", body, to=connection_id)
        for peer in list(room.peers.values()):
            await self.leave(peer, "ended")
        self.presence.forget(room)
        self.recorder.closed(room)
        room.ended.set()
        await self.events.publish(RoomClosed(room, reason))
        self._spawn(self.open_rooms.let_go(room.id))

    async def _lost(self, room_id: str) -> None:
        """Another node leads a room that is open here: its clients have to find it there."""
        room = self.rooms.get(room_id)
        if room is None:
            return
        connections = [peer.connection_id for peer in room.peers.values() if peer.connection_id is not None]
        for peer in room.peers.values():
            self._detach(peer)
        self._abandon(room)
        await self.events.publish(RoomClosed(room, "moved"))
        for connection_id in [*connections, *room.attendees]:
            self.realtime.drop(connection_id, "room_moved")

    def _abandon(self, room: LiveRoom) -> None:
        """Forget a room without ending its session: whoever opens it next goes on with it, or settles it."""
        room.closed = True
        room.ended.set()
        self.presence.forget(room)
        for peer in room.peers.values():
            peer.left = True
            _cancel(peer.grace)
        _cancel(room.closing)
        self.rooms.pop(room.id, None)

    def _close_later(self, room: LiveRoom) -> None:
        _cancel(room.closing)
        room.closing = asyncio.get_running_loop().call_later(
            self._grace, lambda: self._spawn(self._close_if_empty(room))
        )

    async def _close_if_empty(self, room: LiveRoom) -> None:
        if room.is_empty and not room.closed:
            if self._cluster.leads(room.id):
                await self.end(room, "empty")
            else:  # As on its way out: whoever leads it next goes on with its session.
                self._abandon(room)

    async def attend(self, connection: Connection, room_id: str, name: str | None) -> dict[str, Any]:
        """Presence without media (meet set): counted in the session, no peer."""
        room, admission = await self._admit(connection, room_id, name)
        self._check_entry(room, admission)
        self._end_attendance(connection)
        room.attendees[connection.id] = admission.display_name
        _cancel(room.closing)
        room.closing = None
        self.recorder.attended(room, attendance_id := new_id(), admission.subject, admission.display_name)
        connection.data[_ATTENDANCE] = (room, attendance_id)
        if self.realtime.connection(connection.id) is not connection:
            # The socket went away while it was being let in.
            self._end_attendance(connection)
        return {"success": True, "roomId": room.id, "sessionId": room.session_id}

    def _end_attendance(self, connection: Connection) -> bool:
        room, attendance_id = connection.data.pop(_ATTENDANCE, (None, None))
        if room is None:
            return False
        room.attendees.pop(connection.id, None)
        self.recorder.attendance_ended(attendance_id)
        if room.is_empty and not room.closed:
            self._close_later(room)
        return True

    async def _acknowledgement(
        self, peer: Peer, connection: Connection, request: Join, *, resumed: bool
    ) -> dict[str, Any]:
        package = connection.principal.package
        return await self.answers.joined(peer, package, resumed=resumed, media=request.media)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_entry(room: LiveRoom, admission: Admission) -> None:
    if admission.subject in room.removed:
        raise RemovedFromRoom()
    if room.locked and admission.role == "viewer":
        raise RoomLocked()
    if room.is_full and room.ghost() is None:
        raise RoomFull()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
