"""REST door of accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Request

from rostrum.auth.account import AccountService
from rostrum.auth.answers import (
    LOGGED_IN,
    REGISTERED,
    ExportOut,
    FeaturesOut,
    LoginAnswer,
    MsgAnswer,
    RegisterAnswer,
    UserWithRolesOut,
    told,
)
from rostrum.auth.dependencies import Caller, PersonCaller, bearer
from rostrum.auth.errors import EmailTaken, InvalidCredentials, InvalidResetToken, SessionTooOld, WrongPassword
from rostrum.auth.schemas import (
    DeletionInput,
    ForgottenInput,
    LoginInput,
    PasswordChangeInput,
    RegisterInput,
    ResetInput,
    login_body,
    user_body,
)
from rostrum.auth.service import AuthService
from rostrum.kit.answers import bare, enveloped
from rostrum.kit.errors import RateLimited
from rostrum.kit.http import client_address, given
from rostrum.tenants.features import features_of

router = APIRouter(tags=["accounts"])
v1_router = APIRouter(tags=["accounts"])

Auth = Annotated[AuthService, given(AuthService)]
Account = Annotated[AccountService, given(AccountService)]

LINK_SENT = "If there is such a user, a link to set a new password is on its way."


@router.post(
    "/auth/register",
    status_code=201,
    responses=bare(RegisterAnswer, REGISTERED, EmailTaken, RateLimited, status=201),
)
async def register(body: RegisterInput, caller: Caller, auth: Auth, request: Request) -> dict[str, Any]:
    """Make a user."""
    user = await auth.register(caller.tenant_id, body.to_new_user(), address=client_address(request))
    return {"success": True, "message": "User created successfully", "data": {"user": user_body(user)}}


@router.post("/auth/login", responses=bare(LoginAnswer, LOGGED_IN, InvalidCredentials, RateLimited))
async def login(body: LoginInput, caller: Caller, auth: Auth, request: Request) -> dict[str, Any]:
    """Check a password; the answer has the user's token."""
    done = await auth.login(caller.tenant_id, body.user_name, body.password, address=client_address(request))
    return {"success": True, "message": "Logged in successfully", "data": login_body(done)}


@v1_router.post("/auth/refresh", responses=bare(LoginAnswer, LOGGED_IN, SessionTooOld, RateLimited))
async def refresh(caller: PersonCaller, account: Account, request: Request) -> dict[str, Any]:
    """A fresh token of the caller's session."""
    done = await account.refresh(caller, bearer(request) or "")
    return {"success": True, "message": "Token refreshed successfully", "data": login_body(done)}


@v1_router.post("/auth/logout", responses=told("Logged out successfully"))
async def logout(caller: PersonCaller, account: Account) -> dict[str, Any]:
    """End the caller's session: all its tokens are refused at once, its sockets close."""
    await account.logout(caller)
    return {"success": True, "message": "Logged out successfully"}


@v1_router.post("/auth/change-password", responses=bare(LoginAnswer, LOGGED_IN, WrongPassword, RateLimited))
async def change_password(body: PasswordChangeInput, caller: PersonCaller, account: Account) -> dict[str, Any]:
    """Set another password. All tokens of before are refused; the answer has the one that goes on."""
    done = await account.change_password(caller, body.present, body.new)
    return {"success": True, "message": "Password changed successfully", "data": login_body(done)}


@v1_router.post("/auth/forgot-password", responses=told(LINK_SENT, RateLimited))
async def forgot_password(body: ForgottenInput, caller: Caller, account: Account, request: Request) -> dict[str, Any]:
    """Ask for a link to a new password; the answer is the same whether there is such a user or not."""
    await account.forget_password(caller.tenant_id, body.email, address=client_address(request))
    return {"success": True, "message": LINK_SENT}


@v1_router.post("/auth/reset-password", responses=told("Password set successfully", InvalidResetToken, RateLimited))
async def reset_password(body: ResetInput, caller: Caller, account: Account, request: Request) -> dict[str, Any]:
    """Set a new password by the token of such a link, which works once."""
    await account.reset_password(caller.tenant_id, body.token, body.new, address=client_address(request))
    return {"success": True, "message": "Password set successfully"}


@v1_router.get("/users/me", responses=enveloped(UserWithRolesOut, "User retrieved successfully!"))
async def me(caller: PersonCaller, account: Account) -> dict[str, Any]:
    """The caller's own account."""
    user = await account.me(caller)
    return {
        "success": True,
        "data": {**user_body(user), "roles": list(user.roles)},
        "msg": "User retrieved successfully!",
    }


@v1_router.delete(
    "/users/me",
    responses=bare(MsgAnswer, {"success": True, "msg": "Account deleted successfully!"}, WrongPassword, RateLimited),
)
async def delete_me(body: DeletionInput, caller: PersonCaller, account: Account) -> dict[str, Any]:
    """Delete the caller's account. Its rooms stay with the tenant, without an owner; its chat loses its name."""
    await account.delete(caller, body.password)
    return {"success": True, "msg": "Account deleted successfully!"}


@v1_router.get("/users/me/export", responses=enveloped(ExportOut, "Data exported successfully!", RateLimited))
async def export_me(caller: PersonCaller, account: Account) -> dict[str, Any]:
    """All that the server keeps about the caller."""
    return {"success": True, "data": await account.export(caller), "msg": "Data exported successfully!"}


@v1_router.get("/features", responses=enveloped(FeaturesOut, "Features retrieved successfully!"))
async def features(caller: Caller) -> dict[str, Any]:
    """Which features the caller's package has on this server; a client offers no others."""
    return {
        "success": True,
        "data": {"package": caller.package, "features": features_of(caller.package)},
        "msg": "Features retrieved successfully!",
    }
