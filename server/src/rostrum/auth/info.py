"""What other features see of a user."""

from collections.abc import Sequence

import msgspec

from rostrum.auth.models import User


class UserInfo(msgspec.Struct, frozen=True):
    """A user as other features see one."""

    id: str
    tenant_id: str
    email: str
    f_name: str
    l_name: str
    roles: Sequence[str]
    generation: int = 0

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.f_name} {self.l_name}".strip()


def info_of(user: User) -> UserInfo:
    """The user of a row."""
    return UserInfo(
        user.id, user.tenant_id, user.email, user.f_name, user.l_name, tuple(user.roles), user.generation or 0
    )
