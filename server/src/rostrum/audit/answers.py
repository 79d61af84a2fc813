"""How the audit log's answers look, for the OpenAPI document."""

from datetime import datetime
from typing import ClassVar, Literal

from rostrum.kit.answers import Out


class RecordOut(Out):
    """Something that was done or tried."""

    EXAMPLE: ClassVar = {
        "id": "68ee4b39b22d6134386fc5dc",
        "time": "2025-10-14T13:08:09.559Z",
        "tenant": "68aff60d0d7bbb02c917906d",
        "user": "68de7a9d8f40ff41c940c7fb",
        "action": "room.create",
        "resource": "room:68aff60da51d6c83a24245a2",
        "outcome": "success",
        "code": None,
        "address": "203.0.113.7",
        "requestId": "68aff60d0d7bbb02c917906e",
    }
    id: str
    time: datetime
    tenant: str | None
    user: str | None
    action: str
    resource: str | None
    outcome: Literal["success", "failure"]
    code: str | None
    address: str | None
    request_id: str | None
