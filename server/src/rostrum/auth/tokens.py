"""JSON Web Tokens: who the bearer is (`use: access`), or that they may join one room (`use: join`).

After RFC 8725: one algorithm, fixed by the server's setting and never taken from the token; issuer, audience, expiry
and kind are checked; a header with anything but `alg` and `typ` in it (`kid`, `jku`, `jwk` …) is none of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import jwt

from rostrum.auth.errors import InvalidToken
from rostrum.auth.principal import RoomRole
from rostrum.kit import clock
from rostrum.kit.ids import new_id

LEEWAY_SECONDS = 30
LONGEST_TOKEN = 4096
CACHE_SIZE = 20_000
REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "use", "tenant"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says; room, role and name stand only in join tokens. Moments in milliseconds since 1970.

    A user's token belongs to a session, which began at a login and goes on through refreshes, and to a generation,
    which ends when the password is changed.
    """

    use: Literal["access", "join"]
    subject: str
    tenant_id: str
    token_id: str
    expires_at: int
    session_id: str = ""
    began_at: int = 0
    generation: int = 0
    roles: frozenset[str] = frozenset()
    room_id: str | None = None
    room_role: RoomRole | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class JoinToken:
    """A join token just made; `expires_at` in milliseconds since 1970."""

    token: str
    role: RoomRole
    expires_at: int


class TokenService:
    """Makes and checks tokens; those checked are remembered until they expire, since a check costs 40 µs."""

    def __init__(self, secret: str, *, algorithm: str, issuer: str, audience: str) -> None:
        self._secret = secret
        self._algorithm = algorithm
        self._issuer = issuer
        self._audience = audience
        self._verified: dict[str, Claims] = {}

    def access(
        self,
        user_id: str,
        tenant_id: str,
        roles: Sequence[str],
        *,
        seconds: int,
        generation: int = 0,
        of: Claims | None = None,
    ) -> str:
        """A user's token; it goes on with the session `of` an earlier one, else it begins a session."""
        claims = {
            "use": "access",
            "tenant": tenant_id,
            "roles": list(roles),
            "gen": generation,
            "sid": of.session_id if of else new_id(),
            "began": (of.began_at if of else clock.now_ms()) // 1000,
        }
        return self._encode(user_id, claims, seconds * 1000)

    def join(self, tenant_id: str, room_id: str, role: RoomRole, *, name: str | None, seconds: int) -> JoinToken:
        """A token that lets its bearer into one room with one role; its jti is who the bearer is there."""
        claims = {"use": "join", "tenant": tenant_id, "room": room_id, "role": role, "name": name}
        expires_at = clock.now_ms() // 1000 * 1000 + seconds * 1000
        return JoinToken(self._encode(None, claims, seconds * 1000), role, expires_at)

    def verify(self, token: str) -> Claims:
        """Check a token.

        Raises:
            InvalidToken: for every reason alike.
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._decode(token)
            if len(self._verified) >= CACHE_SIZE:
                self._verified.clear()
            self._verified[token] = claims
        if claims.expires_at + LEEWAY_SECONDS * 1000 <= clock.now_ms():
            self._verified.pop(token, None)
            raise InvalidToken()
        return claims

    def _encode(self, subject: str | None, claims: dict[str, Any], lifetime_ms: int) -> str:
        token_id = new_id()
        now = clock.now_ms() // 1000
        standard = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject or token_id,
            "iat": now,
            "exp": now + lifetime_ms // 1000,
            "jti": token_id,
        }
        return jwt.encode({**standard, **claims}, self._secret, algorithm=self._algorithm)

    def _decode(self, token: str) -> Claims:
        if len(token) > LONGEST_TOKEN:
            raise InvalidToken()
        try:
            if not jwt.get_unverified_header(token).keys() <= {"alg", "typ"}:
                raise InvalidToken()
            body = jwt.decode(
                token,
                self._secret,
                algorithms=[self._algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
            return _claims(body)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise InvalidToken() from error


def _claims(body: dict[str, Any]) -> Claims:
    """Read the claims of a token whose signature is right; the shape is still checked."""
    claims = Claims(
        use=body["use"],
        subject=str(body["sub"]),
        tenant_id=str(body["tenant"]),
        token_id=str(body["jti"]),
        expires_at=int(body["exp"]) * 1000,
    )
    if claims.use == "access":
        return replace(
            claims,
            roles=frozenset(map(str, body["roles"])),
            session_id=str(body.get("sid", claims.token_id)),
            began_at=int(body.get("began", body["iat"])) * 1000,
            generation=int(body.get("gen", 0)),
        )
    if claims.use != "join" or body["role"] not in get_args(RoomRole):
        raise ValueError("The token is of an unknown kind.")
    return replace(claims, room_id=str(body["room"]), room_role=body["role"], name=body.get("name"))
