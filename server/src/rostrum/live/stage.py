"""Who is on stage: co-host requests, and the controls of hosts and co-hosts over the others."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog

from rostrum.audit import AuditService, Watched
from rostrum.auth import RoomRole
from rostrum.kit.errors import Unavailable
from rostrum.kit.ids import new_id
from rostrum.live.errors import AlreadyOnStage, HostOnly, RequestNotFound, StageOnly
from rostrum.live.events import RoleChanged
from rostrum.live.notifier import sender
from rostrum.live.room import LiveRoom, Peer
from rostrum.live.schemas import CohostResponse, PeerRef
from rostrum.live.service import LiveService

log = structlog.get_logger(__name__)


def require_stage(peer: Peer) -> None:
    """Raise StageOnly for a viewer; the refusal is logged."""
    if not peer.on_stage:
        log.warning("stage.refused", room=peer.room.id, peer=peer.id, subject=peer.subject, role=peer.role)
        raise StageOnly()


def require_host(peer: Peer) -> None:
    """Raise HostOnly for everybody but a host; the refusal is logged."""
    if peer.role != "host":
        log.warning("stage.refused", room=peer.room.id, peer=peer.id, subject=peer.subject, role=peer.role)
        raise HostOnly()


class Stage:
    """The controls of a webinar's stage."""

    def __init__(self, live: LiveService, audit: AuditService) -> None:
        self._live = live
        self._audit = audit

    def watch(self, action: str, by: Peer) -> AbstractAsyncContextManager[Watched]:
        """Note in the audit log how an action upon the room ends."""
        room = by.room.info
        return self._audit.watch(action, tenant_id=room.tenant_id, actor=by.subject, resource=f"room:{room.id}")

    def request(self, peer: Peer) -> dict[str, Any]:
        """A viewer asks to become co-host. Asked twice, it is the same request."""
        if peer.on_stage:
            raise AlreadyOnStage()
        for request, author in peer.room.requests.items():
            if author == peer.id:
                return {"requestId": request}
        request = new_id()
        peer.room.requests[request] = peer.id
        self._live.notifier.stage(peer.room, "cohost:request", {**sender(peer), "requestId": request})
        return {"requestId": request}

    async def respond(self, host: Peer, response: CohostResponse) -> None:
        """A host accepts or declines; the new role works at once."""
        async with self.watch("role.change" if response.accepted else "cohost.decline", host) as watched:
            require_host(host)
            room = host.room
            request = self._request(room, response)
            author = room.peer(room.requests[request])
            watched.resource += f"/subject:{author.subject}"
            if response.accepted:
                watched.resource += "/role:cohost"
                await self.set_role(author, "cohost", watched=watched)
        room.requests.pop(request, None)
        answer = {"requestId": request, "accepted": response.accepted, "role": author.role, "by": host.name}
        self._live.notifier.peer(author, "cohost:response", answer)
        self._live.notifier.peer(author, "cohost:respond", answer)
        # Other hosts take the request off their lists.
        resolved = {"requestId": request, "peerId": author.id, "accepted": response.accepted, "by": host.name}
        self._live.notifier.stage(room, "cohost:resolved", resolved)

    def _request(self, room: LiveRoom, response: CohostResponse) -> str:
        if response.request_id is not None:
            if response.request_id in room.requests:
                return response.request_id
            raise RequestNotFound()
        if response.peer_id is not None:
            author = room.peer(response.peer_id)
        else:
            author = room.peer_of_socket(response.socket_id)
        for request, peer_id in room.requests.items():
            if peer_id == author.id:
                return request
        raise RequestNotFound()

    async def remove_cohost(self, by: Peer, ref: PeerRef) -> None:
        """Make a co-host a viewer again; its media ends. A co-host may step down by itself."""
        async with self.watch("role.change", by) as watched:
            target = self.target(by, ref)
            watched.resource += f"/subject:{target.subject}/role:viewer"
            if target.role == "cohost":
                await self.set_role(target, "viewer", watched=watched)

    async def remove(self, by: Peer, ref: PeerRef) -> None:
        """Send somebody out of the room; this session does not take them back."""
        async with self.watch("peer.remove", by) as watched:
            target = self.target(by, ref)
            watched.resource += f"/subject:{target.subject}"
            if target.role != "host":
                await self._decided(watched, self._live.recorder.removing(by.room, target.subject))
        if target.role == "host":
            # A host who closes an old window of their own must not lock themselves out.
            await self._send_out(by, target, for_good=False)
            return
        by.room.removed.add(target.subject)
        # All windows of the same person go.
        for peer in [peer for peer in by.room.peers.values() if peer.subject == target.subject]:
            await self._send_out(by, peer, for_good=True)

    async def _send_out(self, by: Peer, target: Peer, *, for_good: bool) -> None:
        room = by.room
        self._live.notifier.relay(by, "peer:remove", {"peer_id": target.id, "by": by.name})
        self._live.notifier.peer(target, "roomClosed", {"reason": "removed", "by": by.name})
        log.info("stage.removed", room=room.id, peer=target.id, subject=target.subject, by=by.subject)
        await self._live.leave(target, "removed", removed=for_good)

    async def lock(self, by: Peer, locked: bool) -> None:
        """Let no new viewers in, or let them in again."""
        async with self.watch("room.lock" if locked else "room.unlock", by) as watched:
            require_stage(by)
            await self._decided(watched, self._live.recorder.locking(by.room, locked))
        by.room.locked = locked
        self._live.notifier.relay(by, "room:lock", {"locked": locked, "by": by.name})

    async def end(self, by: Peer) -> None:
        """End the webinar for everybody."""
        async with self.watch("room.end", by) as watched:
            require_stage(by)
            # With the roles that it gave: a kill at this moment must not carry them into the next session.
            await self._decided(watched, self._ending(by.room))
        log.info("stage.ended", room=by.room.id, by=by.subject)
        await self._live.end(by.room, "ended", by=by.name)

    @asynccontextmanager
    async def _ending(self, room: LiveRoom) -> AsyncIterator[None]:
        async with self._live.recorder.ending(room):
            await self._live.durable.clear_live_roles(room.id)
            yield

    async def _decided(self, watched: Watched, transaction: AbstractAsyncContextManager[None]) -> None:
        """Bring a decision and its record to the disk; where the database is away, they follow when it is back.

        A host must be able to send somebody out, or to end it all, whatever the database does.
        """
        try:
            async with transaction:
                await self._audit.done(watched)
        except Unavailable:
            self._audit.later(watched)

    async def set_role(self, peer: Peer, role: RoomRole, *, watched: Watched | None = None) -> None:
        """Give a peer another role, for the rest of the session, and tell the room."""
        before = peer.role
        if peer.room.closed:
            return
        await self._live.durable.grant_live_role(peer.room.id, peer.subject, role, watched=watched)
        if peer.left:
            return
        peer.room.set_role(peer, role)
        self._live.sync_stage(peer)
        self._live.recorder.role_changed(peer)
        self._live.presence.role_changed(peer)
        await self._live.events.publish(RoleChanged(peer, before))

    def target(self, by: Peer, ref: PeerRef) -> Peer:
        """The peer that a host or co-host wants to act upon.

        Raises:
            StageOnly: a viewer asks, or it is about a host, or about somebody of another kind than one may handle.
            PeerNotFound: the room has no such peer.
        """
        require_stage(by)
        peer_id = ref.peer_id or ref.id
        target = by.room.peer(peer_id) if peer_id else by.room.peer_of_socket(ref.socket_id)
        if target.role == "host" and target is not by:
            require_host(by)
        return target
