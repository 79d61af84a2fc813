"""Who may open a socket: the origin of the page, and the handshake's key and token."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from socketio_server import ConnectRefused, Handshake
from socketio_server.handshake import same_origin

from rostrum.kit.errors import InternalError, RostrumError
from rostrum.kit.origin import Origin, set_origin

log = structlog.get_logger(__name__)

Authenticate = Callable[[str | None, str | None], Awaitable[Any]]


class Entrance:
    """Lets sockets in.

    Args:
        authenticate: makes a principal from (API key, token), or raises a RostrumError.
        allowed_origins: origins besides the server's own; "*" allows all.
    """

    def __init__(self, authenticate: Authenticate, allowed_origins: Sequence[str]) -> None:
        self._authenticate = authenticate
        self._origins = frozenset(allowed_origins)

    def allows_origin(self, origin: str | None, host: str | None) -> bool:
        """Browsers may come from the server's own host, the allowed origins, and nowhere else."""
        return origin is None or "*" in self._origins or origin in self._origins or same_origin(origin, host)

    async def admit(self, handshake: Handshake) -> None:
        """Let a client in by its handshake.

        Raises:
            ConnectRefused: its key or its token is wrong.
        """
        set_origin(Origin(handshake.address, handshake.id))
        credentials = _credentials(handshake)
        handshake.auth = None  # It holds a token, and is not needed again.
        try:
            handshake.data = await self._authenticate(*credentials)
        except RostrumError as error:
            raise ConnectRefused(error.text, {"code": error.code}) from None
        except Exception:
            log.exception("socket.handshake_failed")
            raise ConnectRefused(InternalError.sentence, {"code": InternalError.code}) from None


def _credentials(handshake: Handshake) -> tuple[str | None, str | None]:
    """The API key and the token from the handshake's `auth`, else from the query."""
    query = handshake.query
    fields = handshake.auth if isinstance(handshake.auth, dict) else {}

    def pick(name: str) -> str | None:
        value = fields.get(name) or query.get(name)
        return value if isinstance(value, str) and 0 < len(value) <= 8192 else None

    return pick("apiKey"), pick("token")
