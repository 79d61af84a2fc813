"""Accounts, passwords, tokens, and the principal: who is calling."""

from rostrum.auth.principal import Principal, RoomRole
from rostrum.auth.service import AuthService, UserInfo
from rostrum.auth.tokens import JoinToken, TokenService

__all__ = ["AuthService", "JoinToken", "Principal", "RoomRole", "TokenService", "UserInfo"]
