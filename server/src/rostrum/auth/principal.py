"""Who is calling: the one answer to that question, for both doors."""

from typing import Literal

import msgspec

from rostrum.auth.errors import AdminRequired, UserRequired
from rostrum.tenants import KeyKind

RoomRole = Literal["host", "cohost", "viewer"]
PrincipalKind = Literal["user", "guest", "tenant", "open"]


class Principal(msgspec.Struct, frozen=True):
    """The identity behind a request or a socket, from the server's own records alone.

    Attributes:
        kind: `user` with a user's token; `guest` with a publishable key and no token, or a join token (guest's or
            invitation); `tenant` with a secret key alone; `open` without any key where rooms are open.
        tenant_id: the tenant; nothing of another tenant can be reached.
        subject: stable identity of this person: the user's id, the join token's jti, or made up for this
            connection where nothing is known of them.
        package: the tenant's package.
        roles: the user's roles in the tenant, for example {"admin"}.
        name: the display name the token carries, if any.
        room_id, room_role: what a join token grants; None for all others.
        key_kind, key_id: kind and id of the API key that came along.
        session_id, generation: the login that a user's token comes from, and the user's password that it comes after;
            None for all others.
        expires_at: when the token ends, milliseconds since 1970; None without a token.
    """

    kind: PrincipalKind
    tenant_id: str
    subject: str
    package: str = "professional"
    roles: frozenset[str] = frozenset()
    name: str | None = None
    room_id: str | None = None
    room_role: RoomRole | None = None
    key_kind: KeyKind | None = None
    key_id: str | None = None
    session_id: str | None = None
    generation: int | None = None
    expires_at: int | None = None

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator of the tenant."""
        return self.kind == "user" and "admin" in self.roles

    @property
    def acts_for_tenant(self) -> bool:
        """Whether it reaches all of the tenant: its administrator, or its own backend without a user's token."""
        return self.is_admin or self.kind == "tenant"

    @property
    def user_id(self) -> str | None:
        """The user's id, None if this is no user."""
        return self.subject if self.kind == "user" else None

    @property
    def may_create_rooms(self) -> bool:
        """Users and the tenant's backend may; guests may not; clients without a key only where rooms are open."""
        return self.kind in ("user", "tenant", "open")

    def require_user(self) -> None:
        """Raise UserRequired unless this is a user or the tenant's own backend."""
        if self.kind not in ("user", "tenant"):
            raise UserRequired()

    def require_token(self) -> None:
        """Raise UserRequired where a publishable key came alone: it stands in every page and proves nothing."""
        if self.kind == "guest" and self.room_id is None:
            raise UserRequired()

    def require_person(self) -> None:
        """Raise UserRequired unless this is a user with a token of their own."""
        if self.kind != "user":
            raise UserRequired()

    def require_admin(self) -> None:
        """Raise AdminRequired unless this reaches all of the tenant."""
        self.require_user()
        if not self.acts_for_tenant:
            raise AdminRequired()
