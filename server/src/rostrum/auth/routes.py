"""REST door of accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Request

from rostrum.auth.dependencies import Caller
from rostrum.auth.schemas import LoginInput, RegisterInput, login_body, user_body
from rostrum.auth.service import AuthService
from rostrum.kit.http import client_address, given
from rostrum.tenants.features import features_of

router = APIRouter(tags=["accounts"])
v1_router = APIRouter(tags=["accounts"])

Auth = Annotated[AuthService, given(AuthService)]


@router.post("/auth/register", status_code=201)
async def register(body: RegisterInput, caller: Caller, auth: Auth, request: Request) -> dict[str, Any]:
    """Make a user."""
    user = await auth.register(caller.tenant_id, body.to_new_user(), address=client_address(request))
    return {"success": True, "message": "User created successfully", "data": {"user": user_body(user)}}


@router.post("/auth/login")
async def login(body: LoginInput, caller: Caller, auth: Auth, request: Request) -> dict[str, Any]:
    """Check a password; the answer has the user's token."""
    done = await auth.login(caller.tenant_id, body.user_name, body.password, address=client_address(request))
    return {"success": True, "message": "Logged in successfully", "data": login_body(done)}


@v1_router.get("/features")
async def features(caller: Caller) -> dict[str, Any]:
    """Which features the caller's package has on this server; a client offers no others."""
    return {
        "success": True,
        "data": {"package": caller.package, "features": features_of(caller.package)},
        "msg": "Features retrieved successfully!",
    }
