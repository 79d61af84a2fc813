"""What crosses the wire about accounts."""

from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, StringConstraints

from rostrum.auth.info import UserInfo
from rostrum.auth.service import Login, NewUser
from rostrum.kit.inputs import Input, Line, printable


def _email(value: str) -> str:
    """An address as it is written; intranet domains pass, since a self-hosted server may live in one."""
    try:
        checked = validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError("must be a valid e-mail address") from error
    if "." not in checked.domain:
        raise ValueError("must be a valid e-mail address")
    return checked.normalized


NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=256)]


class RegisterInput(Input):
    """Body of POST /auth/register."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "email": "haseeb@altegon.com",
                "fName": "Haseeb",
                "lName": "Asif",
                "phoneNumber": "923085000453",
                "country": "Pakistan",
                "password": "AB1239001",
            }
        }
    )

    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=320), AfterValidator(_email)]
    f_name: Line = Field(alias="fName")
    l_name: Line = Field(alias="lName")
    phone_number: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+?[0-9][0-9 ()./-]{2,30}$")] = (
        Field(alias="phoneNumber")
    )
    country: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=2, max_length=80), AfterValidator(printable)
    ]
    password: NewPassword

    def to_new_user(self) -> NewUser:
        """The registration for the service."""
        return NewUser(self.email, self.f_name, self.l_name, self.phone_number, self.country, self.password)


class PasswordChangeInput(Input):
    """Body of POST /v1/auth/change-password."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"currentPassword": "AB1239001", "newPassword": "CD1239001"}}
    )

    present: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        validation_alias=AliasChoices("currentPassword", "oldPassword")
    )
    new: NewPassword = Field(validation_alias=AliasChoices("newPassword"))


class ForgottenInput(Input):
    """Body of POST /v1/auth/forgot-password."""

    model_config = ConfigDict(json_schema_extra={"example": {"email": "haseeb@altegon.com"}})

    email: Annotated[str, StringConstraints(min_length=1, max_length=320)] = Field(
        validation_alias=AliasChoices("email", "userName")
    )


class ResetInput(Input):
    """Body of POST /v1/auth/reset-password."""

    model_config = ConfigDict(json_schema_extra={"example": {"token": "fqNRNRPKHMVrBM1s", "newPassword": "CD1239001"}})

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    new: NewPassword = Field(validation_alias=AliasChoices("newPassword", "password"))


class DeletionInput(Input):
    """Body of DELETE /v1/users/me."""

    model_config = ConfigDict(json_schema_extra={"example": {"password": "AB1239001"}})

    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class LoginInput(Input):
    """Body of POST /auth/login; `userName` is the e-mail address, `email` is taken too."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"userName": "haseeb@altegon.com", "password": "AB1239001"}}
    )

    user_name: Annotated[str, StringConstraints(min_length=1, max_length=320)] = Field(
        validation_alias=AliasChoices("userName", "email", "username")
    )
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


def user_body(user: UserInfo) -> dict[str, Any]:
    """A user as the seed's example shows one."""
    return {"fName": user.f_name, "lName": user.l_name, "email": user.email, "_id": user.id}


def login_body(login: Login) -> dict[str, Any]:
    """The data of a login's answer."""
    return {
        "token": login.token,
        "tokenType": "Bearer",
        "expiresIn": login.expires_in,
        "user": {**user_body(login.user), "roles": list(login.user.roles)},
    }
