"""What is sensitive at the doors, and what the audit log hears of who is refused there.

An action notes its own success, and its failure once it has begun (AuditService.watch). Whoever is refused before that,
by a key, a token or a role, is noted here, under the action's name.
"""

from collections.abc import Mapping
from typing import Any, Final

from rostrum.audit import AuditService, Watched
from rostrum.auth import Principal
from rostrum.kit.errors import RostrumError
from rostrum.kit.origin import origin
from rostrum.kit.realtime import Realtime
from rostrum.kit.sockets import Connection
from rostrum.live import Peer

DENIALS: Final = frozenset({401, 403, 404})
"""Statuses of refusals that tell of somebody who reaches for what is not theirs."""

SENSITIVE: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("POST", "/auth/register"): ("user.register", ""),
    ("POST", "/auth/login"): ("auth.login", ""),
    ("POST", "/auth/refresh"): ("auth.refresh", ""),
    ("POST", "/auth/logout"): ("auth.logout", ""),
    ("POST", "/auth/change-password"): ("password.change", ""),
    ("POST", "/auth/forgot-password"): ("password.forgot", ""),
    ("POST", "/auth/reset-password"): ("password.reset", ""),
    ("GET", "/users/me/export"): ("user.export", ""),
    ("DELETE", "/users/me"): ("user.delete", ""),
    ("GET", "/audit-log"): ("audit.read", ""),
    ("POST", "/room/create"): ("room.create", ""),
    ("PATCH", "/rooms/{room_id}"): ("room.change", "room:{room_id}"),
    ("DELETE", "/rooms/{room_id}"): ("room.delete", "room:{room_id}"),
    ("PUT", "/rooms/{room_id}/cohosts/{user_id}"): ("role.change", "room:{room_id}/subject:{user_id}/role:cohost"),
    ("DELETE", "/rooms/{room_id}/cohosts/{user_id}"): ("role.change", "room:{room_id}/subject:{user_id}/role:viewer"),
    ("POST", "/rooms/{room_id}/invitations"): ("room.invite", "room:{room_id}"),
    ("POST", "/rooms/{room_id}/guest-token"): ("room.guest_token", "room:{room_id}"),
    ("GET", "/rooms/{room_id}/messages"): ("chat.read", "room:{room_id}"),
    ("POST", "/meetings/create"): ("meeting.create", ""),
    ("POST", "/meetings/update/{meeting_id}"): ("meeting.change", "meeting:{meeting_id}"),
    ("PATCH", "/meetings/{meeting_id}"): ("meeting.change", "meeting:{meeting_id}"),
    ("POST", "/room/{room_id}/upload"): ("file.upload", "room:{room_id}"),
    ("GET", "/room/{room_id}/files/{filename}"): ("file.download", "room:{room_id}/file:{filename}"),
    ("DELETE", "/room/{room_id}/files/{filename}"): ("file.delete", "room:{room_id}/file:{filename}"),
    ("DELETE", "/room/{room_id}/files"): ("file.delete_all", "room:{room_id}"),
}
"""Method and path, without /v1 → the action and its resource: all that changes or deletes something, gives out a token,
or shows what people wrote, uploaded or did."""

HARMLESS: Final = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/features"),
        ("GET", "/users/me"),
        ("GET", "/rooms"),
        ("GET", "/rooms/{room_id}"),
        ("GET", "/meetings/list/{user_id}"),
        ("GET", "/meetings/{meeting_id}"),
        ("GET", "/room/{room_id}/files"),
    }
)
"""Routes that show names and dates alone."""


class AuditTrail:
    """Hears of refusals at both doors."""

    def __init__(self, audit: AuditService, realtime: Realtime) -> None:
        self._audit = audit
        realtime.on_refused(self._on_signal_refused)

    async def on_request_refused(
        self, method: str, path: str, parameters: Mapping[str, Any], error: RostrumError
    ) -> None:
        """Note that a route was refused; `path` is that of its definition, `parameters` what stands in it."""
        deed = SENSITIVE.get((method, path.removeprefix("/v1")))
        if deed is not None and error.status in DENIALS:
            action, resource = deed
            await self._audit.turned_away(action, error, resource=resource.format(**parameters))

    def _on_signal_refused(self, connection: Connection, event: str, error: RostrumError) -> None:
        if error.status not in DENIALS or origin().notes.failed:
            return
        principal: Principal = connection.principal
        peer = connection.data.get("peer")
        room = f"room:{peer.room.id}" if isinstance(peer, Peer) else ""
        self._audit.refused(Watched(f"signal.{event}", principal.tenant_id, principal.subject, room), error)
