"""Accounts, passwords, tokens, and the principal: who is calling."""

from rostrum.auth.account import AccountService
from rostrum.auth.events import SessionsEnded, UserDeleted
from rostrum.auth.info import UserInfo
from rostrum.auth.personal import PersonalData
from rostrum.auth.principal import Principal, RoomRole
from rostrum.auth.service import AuthService
from rostrum.auth.tokens import JoinToken, TokenService

__all__ = [
    "AccountService",
    "AuthService",
    "JoinToken",
    "PersonalData",
    "Principal",
    "RoomRole",
    "SessionsEnded",
    "TokenService",
    "UserDeleted",
    "UserInfo",
]
