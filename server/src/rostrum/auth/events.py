"""Facts that accounts announce, once they are committed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """Tokens of a user are refused from now on: those of one session, or all where `session_id` is None."""

    user_id: str
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class UserDeleted:
    """An account is gone for good."""

    tenant_id: str
    user_id: str
