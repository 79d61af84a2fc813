"""Table of the audit log."""

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from rostrum.kit.db import Base


class AuditRecord(Base):
    """Somebody did something, or tried to. The database itself refuses to change or delete a record.

    There is no foreign key: a record outlives the tenant, the user and the room that it tells of. `code` is the
    error's where the outcome is `failure`.
    """

    __tablename__ = "audit_records"
    __table_args__ = (Index("ix_audit_records_tenant_position", "tenant_id", "position"),)

    position: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    id: Mapped[str] = mapped_column(String(24), unique=True)
    tenant_id: Mapped[str | None] = mapped_column(String(24))
    at: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    resource: Mapped[str] = mapped_column(String(200))
    outcome: Mapped[str] = mapped_column(String(7))
    code: Mapped[str | None] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(24))
