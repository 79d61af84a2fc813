"""The verbs of one's own account: the session's token, the password, the data, the end."""

import asyncio
import hashlib
import secrets
import sys
from typing import Any, Final

import structlog

from rostrum.audit import AuditService
from rostrum.auth import store
from rostrum.auth.errors import (
    InvalidResetToken,
    SessionTooOld,
    UserNotFound,
    WrongPassword,
)
from rostrum.auth.events import SessionsEnded, UserDeleted
from rostrum.auth.info import UserInfo, info_of
from rostrum.auth.models import User
from rostrum.auth.personal import PersonalData
from rostrum.auth.principal import Principal
from rostrum.auth.service import AuthService, Login
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.events import EventBus
from rostrum.kit.mail import Mailer
from rostrum.kit.ratelimit import RateLimiter
from rostrum.settings import Settings
from rostrum.tenants import TenantService

log = structlog.get_logger(__name__)

SUBJECT: Final = "Your new password"
MAIL: Final = """Hello,

somebody, hopefully you, asked for a new password for this address at {url}.
This link sets it; it works once and for {minutes} minutes:

{link}

If it was not you, do nothing: your password stays as it is.
"""


class AccountService:
    """What a user does with their own account.

    `personal` is what the features keep about users; those above add theirs.
    """

    def __init__(
        self,
        db: Database,
        tenants: TenantService,
        auth: AuthService,
        limits: RateLimiter,
        events: EventBus,
        audit: AuditService,
        mailer: Mailer,
        settings: Settings,
    ) -> None:
        self._db = db
        self._tenants = tenants
        self._auth = auth
        self._limits = limits
        self._events = events
        self._audit = audit
        self._mailer = mailer
        self._settings = settings
        self._sending: set[asyncio.Task[None]] = set()
        self.personal: list[PersonalData] = []

    async def me(self, caller: Principal) -> UserInfo:
        """The caller's own user.

        Raises:
            UserNotFound: the account is gone.
        """
        return await self._auth.user(caller.tenant_id, caller.subject)

    async def refresh(self, caller: Principal, token: str) -> Login:
        """A fresh token of the same session; the one that came along lives on until its end or the logout.

        Raises:
            SessionTooOld: the session began too many days ago.
            RateLimited: too many in too short a time.
        """
        async with self._watch("auth.refresh", caller):
            await self._limits.hit(self._settings.refresh_limit_user, "refresh", caller.subject)
            claims = await self._auth.claims(token)
            if clock.now_ms() - claims.began_at > self._session_ms:
                raise SessionTooOld()
            return self._auth.issue(await self.me(caller), of=claims)

    async def logout(self, caller: Principal) -> None:
        """End the caller's session: all its tokens are refused at once and its sockets close."""
        session_id = caller.session_id or ""
        now = clock.now_ms()
        async with self._watch("auth.logout", caller) as watched, self._db.session() as session:
            await store.end_session(
                session, session_id, caller.subject, now=now, expires_at=now + self._session_ms + self._token_ms
            )
            await self._audit.done(watched)
        await self._ended(caller.subject, session_id)

    async def change_password(self, caller: Principal, present: str, new: str) -> Login:
        """Set another password. All tokens of before are refused; the answer has the one that goes on.

        Raises:
            WrongPassword: the present one is wrong.
            RateLimited: too many tries.
        """
        async with self._watch("password.change", caller) as watched:
            user = await self._proven(caller, present)
            hashed = await self._auth.passwords.hash(new)
            async with self._db.session() as session:
                if not await store.set_password(session, user.id, hashed, generation=user.generation):
                    raise WrongPassword()  # It was changed since it was checked.
                await self._audit.done(watched)
            await self._ended(user.id)
            return self._auth.issue(await self.me(caller))

    async def forget_password(self, tenant_id: str, email: str, *, address: str) -> None:
        """Send a link to a new password, if there is such a user; whether there is, nobody can tell from here.

        Raises:
            RateLimited: too many for this address of mail or from this network address.
        """
        email_key = email.strip().lower()
        async with self._audit.watch("password.forgot", tenant_id=tenant_id, actor=""):
            await self._limits.hit(self._settings.forgot_limit_address, "forgot-address", address)
            await self._limits.hit(self._settings.forgot_limit_account, "forgot-account", tenant_id, email_key)
        # Looked up after the answer, so that its time does not tell whether there is such a user.
        task = asyncio.create_task(self._send_link(tenant_id, email_key))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def reset_password(self, tenant_id: str, token: str, new: str, *, address: str) -> None:
        """Set a new password by the secret of a link, which is used up; all tokens of before are refused.

        Raises:
            InvalidResetToken: it is wrong, used or too old.
            RateLimited: too many tries.
        """
        digest = _digest(token)
        async with self._audit.watch("password.reset", tenant_id=tenant_id, actor="") as watched:
            await self._limits.hit(self._settings.reset_limit_address, "reset", address)
            async with self._db.reading() as session:
                user = await store.valid_reset(session, tenant_id, digest, clock.now_ms())
            if user is None:
                raise InvalidResetToken()
            watched.actor, watched.resource = user.id, f"user:{user.id}"
            hashed = await self._auth.passwords.hash(new)
            async with self._db.session() as session:
                if not await store.take_reset(session, digest):
                    raise InvalidResetToken()
                if not await store.set_password(session, user.id, hashed, generation=user.generation):
                    raise InvalidResetToken()  # Another password was set since, and has ended this link too.
                await self._audit.done(watched)
        await self._ended(user.id)

    async def export(self, caller: Principal) -> dict[str, Any]:
        """All that the server keeps about the caller, ready for JSON; no password hash.

        Raises:
            RateLimited: too many in too short a time.
        """
        async with self._watch("user.export", caller):
            await self._limits.hit(self._settings.export_limit_user, "export", caller.subject)
            async with self._db.reading() as session:
                user = await self._row(await store.by_id(session, caller.tenant_id, caller.subject))
                parts = {part.name: await part.export(user.tenant_id, user.id) for part in self.personal}
            return {"user": _profile(user), **parts}

    async def delete(self, caller: Principal, password: str) -> None:
        """Delete the caller's account. What becomes of its traces elsewhere each feature decides (see `personal`).

        Raises:
            WrongPassword: the password is wrong.
            RateLimited: too many tries.
        """
        async with self._watch("user.delete", caller) as watched:
            user = await self._proven(caller, password)
            async with self._db.session() as session:
                for part in self.personal:
                    await part.erase(user.tenant_id, user.id)
                await store.delete_user(session, user.id)
                await self._audit.done(watched)
        await self._ended(user.id)
        await self._events.publish(UserDeleted(user.tenant_id, user.id))

    async def close(self) -> None:
        """Let go of mail that is still being sent."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def settle(self) -> None:
        """Wait until all mail is on its way."""
        await asyncio.gather(*self._sending)

    @property
    def _session_ms(self) -> int:
        return self._settings.session_days * 86_400_000

    @property
    def _token_ms(self) -> int:
        return self._settings.access_token_seconds * 1000 + 60_000

    def _watch(self, action: str, caller: Principal) -> Any:
        return self._audit.watch(
            action, tenant_id=caller.tenant_id, actor=caller.subject, resource=f"user:{caller.subject}"
        )

    async def _proven(self, caller: Principal, password: str) -> User:
        """The caller's row, if the password is theirs."""
        await self._limits.hit(self._settings.password_limit_user, "password", caller.subject)
        async with self._db.reading() as session:
            user = await self._row(await store.by_id(session, caller.tenant_id, caller.subject))
        if not await self._auth.passwords.verify(password, user.password_hash):
            raise WrongPassword()
        await self._limits.clear(self._settings.password_limit_user, "password", caller.subject)
        return user

    async def _row(self, user: User | None) -> User:
        if user is None:
            raise UserNotFound()
        return user

    async def _ended(self, user_id: str, session_id: str | None = None) -> None:
        self._auth.standings.forget(user_id)
        await self._events.publish(SessionsEnded(user_id, session_id))

    async def _send_link(self, tenant_id: str, email_key: str) -> None:
        async with self._db.reading() as session:
            user = await store.by_email(session, tenant_id, email_key)
        if user is None:
            return
        token = secrets.token_urlsafe(32)
        now = clock.now_ms()
        expires_at = now + self._settings.password_reset_seconds * 1000
        async with self._db.session() as session:
            await store.add_reset(session, _digest(token), user.id, now=now, expires_at=expires_at)
        link = self._settings.reset_link(self._tenants.web_key(tenant_id), token)
        if self._mailer.works:
            minutes = self._settings.password_reset_seconds // 60
            await self._mailer.send(
                user.email, SUBJECT, MAIL.format(url=self._settings.url, minutes=minutes, link=link)
            )
        elif self._settings.open_rooms:
            # The development server has no mail; the log would blank the secrets in the link.
            sys.stderr.write(f"\n  A link to a new password: {link}\n\n")
            sys.stderr.flush()
        else:
            log.warning("password.no_mail_server", user=user.id)


def _digest(token: str) -> str:
    """A fast hash is right here: the secret is 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _profile(user: User) -> dict[str, Any]:
    info = info_of(user)
    return {
        "_id": info.id,
        "email": info.email,
        "fName": info.f_name,
        "lName": info.l_name,
        "phoneNumber": user.phone_number,
        "country": user.country,
        "roles": list(info.roles),
        "createdAt": clock.iso(user.created_at),
    }
