"""How routes learn who calls."""

from typing import Annotated

from fastapi import Depends, Request

from rostrum.auth.errors import InvalidToken
from rostrum.auth.principal import Principal
from rostrum.auth.service import AuthService


async def _caller(request: Request) -> Principal:
    auth: AuthService = request.app.state.services[AuthService]
    return await auth.authenticate(request.headers.get("x-api-key"), _bearer(request))


async def _user(caller: Annotated[Principal, Depends(_caller)]) -> Principal:
    caller.require_user()
    return caller


async def _admin(caller: Annotated[Principal, Depends(_caller)]) -> Principal:
    caller.require_admin()
    return caller


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken()
    return token.strip()


Caller = Annotated[Principal, Depends(_caller)]
"""Anyone with a valid API key."""

UserCaller = Annotated[Principal, Depends(_user)]
"""A user, or the tenant's own backend by its secret key."""

AdminCaller = Annotated[Principal, Depends(_admin)]
"""An administrator, or the tenant's own backend."""
