"""The audit log: one record of each sensitive action, append-only, whether it succeeded or not."""

from rostrum.audit.service import AuditService, Watched
from rostrum.audit.shipping import Shipper

__all__ = ["AuditService", "Shipper", "Watched"]
