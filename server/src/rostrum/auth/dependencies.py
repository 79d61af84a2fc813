"""How routes learn who calls."""

from typing import Annotated, Any

from fastapi import Depends, Request

from rostrum.auth.errors import InvalidToken
from rostrum.auth.principal import Principal
from rostrum.auth.service import AuthService
from rostrum.kit.origin import origin, set_origin
from rostrum.tenants.features import require_feature


async def _caller(request: Request) -> Principal:
    auth: AuthService = request.app.state.services[AuthService]
    caller = await auth.authenticate(header(request, b"x-api-key"), bearer(request))
    set_origin(origin().known(caller.tenant_id, caller.subject))
    return caller


async def _user(caller: Annotated[Principal, Depends(_caller)]) -> Principal:
    caller.require_user()
    return caller


async def _token(caller: Annotated[Principal, Depends(_caller)]) -> Principal:
    caller.require_token()
    return caller


async def _person(caller: Annotated[Principal, Depends(_caller)]) -> Principal:
    caller.require_person()
    return caller


async def admin(caller: Annotated[Principal, Depends(_caller)]) -> Principal:
    """An administrator, or the tenant's own backend."""
    caller.require_admin()
    return caller


def requires(feature: str) -> Any:
    """A dependency that lets a caller through whose tenant's package has the feature.

    Raises:
        FeatureDisabled: it has not, or this server has not built the feature.
    """

    async def check(caller: Annotated[Principal, Depends(_caller)]) -> None:
        require_feature(caller.package, feature)

    check.feature = feature  # type: ignore[attr-defined]  # So that a test finds every door that has a guard.
    return Depends(check)


def header(request: Request, name: bytes) -> str | None:
    """The first header of this name, which is in lower case as ASGI has them: each request asks twice."""
    for known, value in request.scope["headers"]:
        if known == name:
            return str(value, "latin-1")
    return None


def bearer(request: Request) -> str | None:
    """The token of the Authorization header.

    Raises:
        InvalidToken: the header has another form.
    """
    told = header(request, b"authorization")
    if told is None:
        return None
    scheme, _, token = told.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken()
    return token.strip()


Caller = Annotated[Principal, Depends(_caller)]
"""Anyone with a valid API key."""

TokenCaller = Annotated[Principal, Depends(_token)]
"""Anyone with a token, a guest's or an invitation's too, and the tenant's own backend by its secret key."""

UserCaller = Annotated[Principal, Depends(_user)]
"""A user, or the tenant's own backend by its secret key."""

PersonCaller = Annotated[Principal, Depends(_person)]
"""A user with a token of their own; not the tenant's backend."""

AdminCaller = Annotated[Principal, Depends(admin)]
"""An administrator, or the tenant's own backend."""
