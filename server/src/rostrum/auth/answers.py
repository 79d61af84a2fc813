"""How the answers about accounts look, for the OpenAPI document."""

from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from rostrum.kit.answers import Out, Responses, bare
from rostrum.kit.errors import RostrumError


class UserOut(Out):
    """A user."""

    EXAMPLE: ClassVar = {
        "fName": "Haseeb",
        "lName": "Asif",
        "email": "haseeb@altegon.com",
        "_id": "68afea5f8ed95fae8f7f6d86",
    }
    f_name: str
    l_name: str
    email: str
    id: str = Field(alias="_id")


class UserWithRolesOut(UserOut):
    """A user with their roles in the tenant."""

    EXAMPLE: ClassVar = {**UserOut.EXAMPLE, "roles": ["user"]}
    roles: list[str]


class LoginOut(Out):
    """A token; `expiresIn` in seconds."""

    EXAMPLE: ClassVar = {
        "token": "eyJhbGciOi…",
        "tokenType": "Bearer",
        "expiresIn": 43200,
        "user": UserWithRolesOut.EXAMPLE,
    }
    token: str
    token_type: Literal["Bearer"]
    expires_in: int
    user: UserWithRolesOut


class FeaturesOut(Out):
    """Name of each feature, and whether the caller has it here."""

    EXAMPLE: ClassVar = {"package": "professional", "features": {"chat": True, "captions": False}}
    package: str
    features: dict[str, bool]


class ExportOut(Out):
    """All that the server keeps about a user, by feature."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "account": {"email": "haseeb@altegon.com"},
        "rooms": {"owned": [], "roles": []},
    }
    model_config = ConfigDict(extra="allow")


class RegisteredUser(BaseModel):
    """The data of a registration's answer."""

    user: UserOut


class RegisterAnswer(BaseModel):
    """The answer of a registration."""

    success: Literal[True]
    message: str
    data: RegisteredUser


class LoginAnswer(BaseModel):
    """The answer of a login."""

    success: Literal[True]
    message: str
    data: LoginOut


class MessageAnswer(BaseModel):
    """An answer without data."""

    success: Literal[True]
    message: str


class MsgAnswer(BaseModel):
    """An answer without data."""

    success: Literal[True]
    msg: str


REGISTERED: Final = {"success": True, "message": "User created successfully", "data": {"user": UserOut.EXAMPLE}}
LOGGED_IN: Final = {"success": True, "message": "Logged in successfully", "data": LoginOut.EXAMPLE}


def told(message: str, *errors: type[RostrumError]) -> Responses:
    """An answer that only says that it is done."""
    return bare(MessageAnswer, {"success": True, "message": message}, *errors)
