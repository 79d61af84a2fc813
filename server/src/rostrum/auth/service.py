"""The verbs of accounts: register, login, and telling who calls."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import IntegrityError

from rostrum.audit import AuditService, Watched
from rostrum.auth import store
from rostrum.auth.errors import EmailTaken, InvalidCredentials, InvalidToken, UserNotFound
from rostrum.auth.info import UserInfo, info_of
from rostrum.auth.models import User
from rostrum.auth.passwords import PasswordPool
from rostrum.auth.principal import Principal
from rostrum.auth.standing import Standings
from rostrum.auth.tokens import Claims, TokenService
from rostrum.kit import clock
from rostrum.kit.db import Database
from rostrum.kit.errors import RostrumError
from rostrum.kit.ids import new_id
from rostrum.kit.origin import origin, set_origin
from rostrum.kit.ratelimit import RateLimiter
from rostrum.settings import Settings
from rostrum.tenants import KeyIdentity, TenantInfo, TenantService
from rostrum.tenants.errors import InvalidApiKey


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a registration says, already validated."""

    email: str
    f_name: str
    l_name: str
    phone_number: str
    country: str
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """A login that succeeded; `expires_in` in seconds."""

    token: str
    expires_in: int
    user: UserInfo


class AuthService:
    """Knows users, passwords and tokens."""

    def __init__(
        self,
        db: Database,
        tenants: TenantService,
        tokens: TokenService,
        limits: RateLimiter,
        audit: AuditService,
        settings: Settings,
    ) -> None:
        self._db = db
        self._tenants = tenants
        self.tokens = tokens
        self._limits = limits
        self._audit = audit
        self._settings = settings
        self.passwords = PasswordPool(settings.password_threads)
        self.standings = Standings(db)

    async def register(self, tenant_id: str, new: NewUser, *, address: str) -> UserInfo:
        """Make a user of the tenant.

        Raises:
            EmailTaken: the tenant has a user with this address.
            RateLimited: too many registrations from this network address.
        """
        async with self._audit.watch("user.register", tenant_id=tenant_id, actor="") as watched:
            await self._limits.hit(self._settings.register_limit_address, "register", address)
            return await self._create(watched, tenant_id, new, ("user",))

    async def create_user(self, tenant_id: str, new: NewUser, *, roles: tuple[str, ...] = ("user",)) -> UserInfo:
        """Make a user with the given roles, on behalf of whoever has the command line.

        Raises:
            EmailTaken: the tenant has a user with this address.
        """
        async with self._audit.watch("user.create", tenant_id=tenant_id, actor="server") as watched:
            return await self._create(watched, tenant_id, new, roles)

    async def _create(self, watched: Watched, tenant_id: str, new: NewUser, roles: tuple[str, ...]) -> UserInfo:
        user = _user(tenant_id, new, roles, await self.passwords.hash(new.password))
        try:
            async with self._db.session() as session:
                session.add(user)
                await session.flush()
                watched.resource = f"user:{user.id}"
                await self._audit.done(watched)
        except IntegrityError as error:
            raise EmailTaken() from error
        return info_of(user)

    async def login(self, tenant_id: str, email: str, password: str, *, address: str) -> Login:
        """Check a password and make a token; failures count against the account and the network address.

        Raises:
            InvalidCredentials: unknown user or wrong password, in the same time.
            RateLimited: too many tries.
        """
        account = (tenant_id, email.strip().lower())
        async with self._audit.watch("auth.login", tenant_id=tenant_id, actor="") as watched:
            await self._limits.hit(self._settings.login_limit_address, "login-address", address)
            # Counted before the check and forgotten after a success, so that tries at the same moment count too.
            await self._limits.hit(self._settings.login_limit_account, "login-account", *account)
            async with self._db.reading() as session:
                user = await store.by_email(session, *account)
            if user is not None:
                watched.resource = f"user:{user.id}"
            if not await self.passwords.verify(password, user.password_hash if user else None) or user is None:
                raise InvalidCredentials()
            watched.actor = user.id
            await self._limits.clear(self._settings.login_limit_account, "login-account", *account)
            return self.issue(info_of(user))

    def issue(self, user: UserInfo, of: Claims | None = None) -> Login:
        """A fresh token for a user; it goes on with the session `of` an earlier token, else it begins one."""
        seconds = self._settings.access_token_seconds
        token = self.tokens.access(
            user.id, user.tenant_id, user.roles, seconds=seconds, generation=user.generation, of=of
        )
        return Login(token, seconds, user)

    async def find(self, tenant_id: str, email: str) -> UserInfo | None:
        """The tenant's user with this address."""
        async with self._db.reading() as session:
            user = await store.by_email(session, tenant_id, email.strip().lower())
        return info_of(user) if user else None

    async def user(self, tenant_id: str, user_id: str) -> UserInfo:
        """The tenant's user with this id.

        Raises:
            UserNotFound: there is none in this tenant.
        """
        user = await store.info_by_id(self._db, tenant_id, user_id)
        if user is None:
            raise UserNotFound()
        return user

    async def claims(self, token: str) -> Claims:
        """What a token says, if it still counts.

        Raises:
            InvalidToken: it is bad in any way, logged out, of before a change of the password, or its user is gone.
        """
        claims = self.tokens.verify(token)
        if claims.use == "access":
            await self.standings.check(claims)
        return claims

    async def authenticate(self, api_key: str | None, token: str | None) -> Principal:
        """Who calls, from an API key and perhaps a token.

        Raises:
            InvalidApiKey: no key, or one that is unknown or revoked.
            InvalidToken: the token is bad in any way, or of another tenant than the key.
        """
        key = await self._tenants.identify(api_key)
        set_origin(origin().known(key.tenant.id))  # For the record of a token that is refused below.
        if token:
            claims = await self.claims(token)
            if claims.tenant_id != key.tenant.id:
                raise InvalidToken()
            return _from_claims(claims, key.tenant, key)
        if key.kind == "secret":
            return _principal(key, "tenant", f"tenant:{key.tenant.id}")
        return _principal(key, "guest", f"guest:{new_id()}")

    async def authenticate_socket(self, api_key: str | None, token: str | None) -> Principal:
        """Who opens a socket; as `authenticate`, but where rooms are open a client without a key may come too.

        Raises:
            InvalidApiKey, InvalidToken: as `authenticate`.
        """
        try:
            return await self._authenticate_socket(api_key, token)
        except RostrumError as error:
            await self._audit.turned_away("socket.connect", error)
            raise

    async def _authenticate_socket(self, api_key: str | None, token: str | None) -> Principal:
        if api_key:
            return await self.authenticate(api_key, token)
        if not self._settings.open_rooms:
            raise InvalidApiKey()
        if token:
            claims = await self.claims(token)
            return _from_claims(claims, await self._tenants.get(claims.tenant_id), None)
        tenant = await self._tenants.default()
        return Principal("open", tenant.id, f"open:{new_id()}", package=tenant.package)

    def close(self) -> None:
        """End the threads of the password pool."""
        self.passwords.close()


def _user(tenant_id: str, new: NewUser, roles: tuple[str, ...], password_hash: str) -> User:
    return User(
        id=new_id(),
        tenant_id=tenant_id,
        email=new.email,
        email_key=new.email.lower(),
        f_name=new.f_name,
        l_name=new.l_name,
        phone_number=new.phone_number,
        country=new.country,
        password_hash=password_hash,
        roles=list(roles),
        created_at=clock.now_ms(),
    )


def _principal(key: KeyIdentity, kind: Literal["guest", "tenant"], subject: str) -> Principal:
    return Principal(kind, key.tenant.id, subject, package=key.tenant.package, key_kind=key.kind, key_id=key.key_id)


def _from_claims(claims: Claims, tenant: TenantInfo, key: KeyIdentity | None) -> Principal:
    return Principal(
        kind="user" if claims.use == "access" else "guest",
        tenant_id=tenant.id,
        subject=claims.subject,
        package=tenant.package,
        roles=claims.roles,
        name=claims.name,
        room_id=claims.room_id,
        room_role=claims.room_role,
        session_id=claims.session_id or None,
        generation=claims.generation if claims.use == "access" else None,
        key_kind=key.kind if key else None,
        key_id=key.key_id if key else None,
        expires_at=claims.expires_at,
    )
