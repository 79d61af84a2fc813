"""What crosses the wire about the audit log."""

from typing import Any

from rostrum.audit.models import AuditRecord
from rostrum.kit import clock


def record_body(record: AuditRecord) -> dict[str, Any]:
    """A record as the log's readers see it, over REST and as a JSON line."""
    return {
        "id": record.id,
        "time": clock.iso(record.at),
        "tenant": record.tenant_id,
        "user": record.actor,
        "action": record.action,
        "resource": record.resource,
        "outcome": record.outcome,
        "code": record.code,
        "address": record.address,
        "requestId": record.request_id,
    }
