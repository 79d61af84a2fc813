"""What the audit log hears of: facts of rooms and live sessions, and what is refused to sockets."""

from typing import Final

from rostrum.audit import AuditService
from rostrum.auth import Principal
from rostrum.kit.errors import RostrumError
from rostrum.kit.events import EventBus
from rostrum.kit.realtime import Connection, Realtime
from rostrum.live import Peer, PeerLeft, RoleChanged, RoomClosed
from rostrum.rooms import LastingRoleChanged, RoomChanged, RoomDeleted, RoomInfo

DENIALS: Final = frozenset({401, 403, 404})
"""Statuses of refusals that tell of somebody who reaches for what is not theirs."""


class AuditTrail:
    """Turns facts into records. Who caused a fact is known from the signal or the request that is being handled."""

    def __init__(self, audit: AuditService, events: EventBus, realtime: Realtime) -> None:
        self._audit = audit
        events.subscribe(RoleChanged, self._on_role)
        events.subscribe(PeerLeft, self._on_left)
        events.subscribe(RoomClosed, self._on_closed)
        events.subscribe(RoomChanged, self._on_changed)
        events.subscribe(RoomDeleted, self._on_deleted)
        events.subscribe(LastingRoleChanged, self._on_lasting_role)
        realtime.on_refused(self._on_refused)

    async def _on_role(self, fact: RoleChanged) -> None:
        room = fact.peer.room.info
        await self._note(room, "role.change", f"room:{room.id}/subject:{fact.peer.subject}/role:{fact.peer.role}")

    async def _on_left(self, fact: PeerLeft) -> None:
        if fact.reason == "removed":
            room = fact.peer.room.info
            await self._note(room, "peer.remove", f"room:{room.id}/subject:{fact.peer.subject}")

    async def _on_closed(self, fact: RoomClosed) -> None:
        if fact.reason == "ended":
            await self._note(fact.room.info, "room.end", f"room:{fact.room.id}")

    async def _on_changed(self, fact: RoomChanged) -> None:
        await self._note(fact.room, "room.change", f"room:{fact.room.id}")

    async def _on_deleted(self, fact: RoomDeleted) -> None:
        await self._note(fact.room, "room.delete", f"room:{fact.room.id}")

    async def _on_lasting_role(self, fact: LastingRoleChanged) -> None:
        await self._note(fact.room, "role.change", f"room:{fact.room.id}/subject:{fact.subject}/role:{fact.role}")

    async def _note(self, room: RoomInfo, action: str, resource: str) -> None:
        await self._audit.record(action, tenant_id=room.tenant_id, actor="", resource=resource)

    def _on_refused(self, connection: Connection, event: str, error: RostrumError) -> None:
        if error.status not in DENIALS:
            return
        principal: Principal = connection.principal
        peer = connection.data.get("peer")
        room = f"room:{peer.room.id}" if isinstance(peer, Peer) else ""
        self._audit.refused(
            f"signal.{event}", error.code, tenant_id=principal.tenant_id, actor=principal.subject, resource=room
        )
