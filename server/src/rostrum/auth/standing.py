"""Whether a user's tokens still count: the account exists, its password was not changed since, nobody logged out.

Remembered for a few seconds, since this is asked at every request. What this process changes counts at once.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rostrum.auth import store
from rostrum.auth.errors import InvalidToken
from rostrum.auth.principal import Principal
from rostrum.auth.tokens import Claims
from rostrum.kit import clock
from rostrum.kit.db import Database

SECONDS: Final = 10.0
SIZE: Final = 20_000
AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Standing:
    generation: int | None
    ended: frozenset[str]


class Standings:
    """Looks users' standing up."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, tuple[float, _Standing]] = {}
        self._loading = asyncio.Lock()
        self._changes = 0

    async def check(self, claims: Claims) -> None:
        """Raise InvalidToken unless this user's token still counts."""
        known = self._remembered(claims.subject)
        if known is None:
            async with self._loading:  # Many requests of one user ask the database once.
                known = self._remembered(claims.subject) or await self._load(claims.tenant_id, claims.subject)
        if known.generation != claims.generation or claims.session_id in known.ended:
            raise InvalidToken()

    async def refused(self, principals: Iterable[Principal]) -> set[Principal]:
        """Those of these callers whose tokens no longer count; asks the database, and remembers nothing."""
        users = [principal for principal in dict.fromkeys(principals) if principal.generation is not None]
        refused: set[Principal] = set()
        for start in range(0, len(users), AT_ONCE):
            some = users[start : start + AT_ONCE]
            async with self._db.reading() as session:
                generations = await store.generations(session, [principal.subject for principal in some])
                ended = await store.ended_among(session, [principal.session_id or "" for principal in some])
            refused.update(
                principal
                for principal in some
                if generations.get(principal.subject) != principal.generation or principal.session_id in ended
            )
        return refused

    def forget(self, user_id: str) -> None:
        """The user's standing has changed; call it after the change is committed."""
        self._changes += 1
        self._known.pop(user_id, None)

    def _remembered(self, user_id: str) -> _Standing | None:
        known = self._known.get(user_id)
        return known[1] if known is not None and known[0] > clock.monotonic() else None

    async def _load(self, tenant_id: str, user_id: str) -> _Standing:
        changes = self._changes
        user = await store.info_by_id(self._db, tenant_id, user_id)
        ended = await store.ended_sessions(self._db, user_id) if user else ()
        standing = _Standing(user.generation if user else None, frozenset(ended))
        if changes == self._changes:
            if len(self._known) >= SIZE:
                self._known.clear()
            self._known[user_id] = (clock.monotonic() + SECONDS, standing)
        return standing
