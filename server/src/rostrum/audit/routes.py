"""REST door of the audit log."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Query, Request, Response

from rostrum.audit.answers import RecordOut
from rostrum.audit.schemas import record_body
from rostrum.audit.service import AuditService
from rostrum.kit import clock
from rostrum.kit.answers import enveloped
from rostrum.kit.errors import Forbidden, InvalidInput
from rostrum.kit.http import given
from rostrum.kit.pagination import Limit, announce_next

Audit = Annotated[AuditService, given(AuditService)]


class OfTenant(Protocol):
    """What this door must know of an administrator."""

    @property
    def tenant_id(self) -> str:
        """The tenant whose log is read."""

    @property
    def subject(self) -> str:
        """Who reads it."""


def audit_router(admin: Callable[..., Any]) -> APIRouter:
    """The door; `admin` is the dependency that lets administrators through, which stands above this feature."""
    router = APIRouter(tags=["audit"])

    @router.get("/audit-log", responses=enveloped(RecordOut, "Audit log retrieved successfully!", Forbidden, many=True))
    async def audit_log(
        caller: Annotated[OfTenant, Depends(admin)],
        audit: Audit,
        request: Request,
        response: Response,
        user: Annotated[str | None, Query(max_length=64, description="Who did it.")] = None,
        action: Annotated[str | None, Query(max_length=40, description="For example auth.login.")] = None,
        resource: Annotated[str | None, Query(max_length=200, description="What it was done to.")] = None,
        outcome: Annotated[Literal["success", "failure"] | None, Query(description="How it ended.")] = None,
        since: Annotated[str | None, Query(max_length=40, description="Epoch milliseconds or ISO 8601.")] = None,
        until: Annotated[str | None, Query(max_length=40, description="Epoch milliseconds or ISO 8601.")] = None,
        limit: Limit = 50,
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ) -> dict[str, Any]:
        """What was done and tried in the tenant, the newest first; for its administrators."""
        wanted = {"actor": user, "action": action, "resource": resource, "outcome": outcome}
        records, following = await audit.page(
            caller.tenant_id,
            equal={column: value for column, value in wanted.items() if value},
            since=_moment("since", since),
            until=_moment("until", until),
            before=cursor,
            limit=limit,
        )
        await audit.record("audit.read", tenant_id=caller.tenant_id, actor=caller.subject)
        announce_next(request, response, following)
        return {
            "success": True,
            "data": [record_body(record) for record in records],
            "msg": "Audit log retrieved successfully!",
        }

    return router


def _moment(field: str, value: str | None) -> int | None:
    if not value:
        return None
    try:
        return clock.parse(value)
    except (ValueError, OverflowError):
        raise InvalidInput(errors=[{"field": field, "msg": "must be epoch milliseconds or ISO 8601"}]) from None
