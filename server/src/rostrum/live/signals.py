"""Socket door of the live core."""

from typing import Any

from rostrum.kit.messages import read
from rostrum.kit.realtime import Realtime
from rostrum.kit.sockets import Connection
from rostrum.live.reactions import Reactions
from rostrum.live.schemas import CohostResponse, Join, Lock, MeetJoin, PeerRef, Reaction, RoomRef
from rostrum.live.service import LiveService
from rostrum.live.stage import Stage


def _room_of(args: list[Any]) -> str:
    return read(RoomRef, args[0] if args else None).room_id


class LiveSignals:
    """Each event one method: read, one verb, answer."""

    def __init__(self, live: LiveService, stage: Stage, reactions: Reactions) -> None:
        self._live = live
        self._stage = stage
        self._reactions = reactions

    def register(self, realtime: Realtime) -> None:
        """Answer the events of this feature."""
        realtime.on("createRoom", self.create_room, room_of=_room_of)
        realtime.on("join", self.join, room_of=_room_of, settles="always")
        realtime.on("exitRoom", self.exit_room, frees=True)
        realtime.on("getMyRoomInfo", self.room_info)
        realtime.on("room.join", self.meet_join, room_of=_room_of, settles="if free")
        realtime.on("reaction", self.reaction)
        realtime.on("cohost:request", self.cohost_request)
        realtime.on("cohost:respond", self.cohost_respond)
        realtime.on("cohost:remove", self.cohost_remove)
        realtime.on("peer:remove", self.peer_remove)
        realtime.on("room:lock", self.room_lock)
        realtime.on("room:end", self.room_end)

    async def create_room(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Open a room."""
        return await self._live.create_room(connection.principal, read(RoomRef, body).room_id)

    async def join(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Enter a room."""
        return await self._live.join(connection, read(Join, body))

    async def exit_room(self, connection: Connection, *_: Any) -> str:
        """Leave the room."""
        await self._live.exit(connection)
        return "successfully exited room"

    async def room_info(self, connection: Connection, *_: Any) -> dict[str, Any]:
        """Tell the state of the caller's room."""
        return self._live.answers.info(self._live.peer_of(connection))

    async def meet_join(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Be present without media."""
        request = read(MeetJoin, body)
        return await self._live.attend(connection, request.room_id, request.user_name)

    async def reaction(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Clap, or the like."""
        peer = self._live.peer_of(connection)
        await self._reactions.react(peer, read(Reaction, body).kind)

    async def cohost_request(self, connection: Connection, *_: Any) -> dict[str, Any]:
        """Ask to become co-host."""
        return self._stage.request(self._live.peer_of(connection))

    async def cohost_respond(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Answer such a request."""
        peer = self._live.peer_of(connection)
        await self._stage.respond(peer, read(CohostResponse, body))

    async def cohost_remove(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Make a co-host a viewer."""
        peer = self._live.peer_of(connection)
        await self._stage.remove_cohost(peer, read(PeerRef, body))

    async def peer_remove(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Send somebody out."""
        peer = self._live.peer_of(connection)
        await self._stage.remove(peer, read(PeerRef, body))

    async def room_lock(self, connection: Connection, body: Any = None, *_: Any) -> None:
        """Lock or unlock the room."""
        peer = self._live.peer_of(connection)
        await self._stage.lock(peer, read(Lock, body).locked)

    async def room_end(self, connection: Connection, *_: Any) -> None:
        """End the webinar."""
        await self._stage.end(self._live.peer_of(connection))
