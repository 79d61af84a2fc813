"""Table of users."""

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from rostrum.kit.db import Base


class User(Base):
    """A person with a password, in one tenant. `email_key` is the address in lower case, by which it is unique.

    `generation` counts the changes of the password: tokens of an earlier one are refused.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("tenant_id", "email_key"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    f_name: Mapped[str] = mapped_column(String(100))
    l_name: Mapped[str] = mapped_column(String(100))
    phone_number: Mapped[str] = mapped_column(String(40))
    country: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(255))
    roles: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[int] = mapped_column(BigInteger)
    generation: Mapped[int] = mapped_column(default=0, server_default="0")


class EndedSession(Base):
    """A session of a user that was logged out: all tokens of it are refused. Kept until none of them could be valid."""

    __tablename__ = "ended_sessions"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)


class PasswordReset(Base):
    """Whoever has the secret behind this SHA-256 may set the user's password, once."""

    __tablename__ = "password_resets"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)
