"""Every setting of the server: typed, described, read once at the start and passed down.

A setting `port` is set by the environment variable ROSTRUM_PORT. docs/settings.md is generated from this file.
"""

import os
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from limits import parse
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

UPLOAD_TYPES = [
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "audio/*", "video/*", "application/pdf",
    "text/plain", "text/markdown", "text/csv", "text/vtt", "application/x-subrip", "application/json",
    "application/rtf", "application/msword", "application/vnd.*", "application/zip",
]  # fmt: skip
"""Documents, pictures, sound and video; nothing that a browser would run."""

IceServer = dict[str, Any]
"""As RTCIceServer in browsers: {"urls": …, "username": …, "credential": …}."""


def _cores() -> int:
    return len(os.sched_getaffinity(0))


class Settings(BaseSettings):
    """All settings, with their defaults."""

    model_config = SettingsConfigDict(env_prefix="ROSTRUM_", extra="ignore", frozen=True)

    # Where it listens.
    host: str = Field("0.0.0.0", description="Address that HTTP and sockets listen on.")  # noqa: S104 - a server.
    port: int = Field(8080, ge=0, le=65535, description="TCP port of HTTP and sockets; 0 takes any free one.")
    public_url: str = Field(
        "", description="URL by which people reach the server; links are made from it. Empty: http://localhost:PORT."
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Comma-separated addresses or networks of proxies whose forwarding headers are believed.",
    )
    proxy_headers: Literal["x-forwarded", "forwarded"] = Field(
        "x-forwarded",
        description="Which headers these proxies write: X-Forwarded-For and X-Forwarded-Proto, or Forwarded. The "
        "others are not believed.",
    )
    allowed_origins: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Comma-separated origins, besides the server's own, whose pages may call it from a browser.",
    )

    # Where it keeps things.
    data_dir: Path = Field(Path(".rostrum"), description="Folder of the database, the secret and all files.")
    database_url: SecretStr = Field(
        SecretStr(""),
        description="URL of a PostgreSQL database (postgresql://user:password@host:5432/name). Empty: the SQLite file "
        "rostrum.db in the data folder.",
    )
    database_connections: int = Field(
        10, ge=1, le=500, description="Connections to PostgreSQL that the server holds, at most."
    )
    database_wait_seconds: float = Field(
        5, gt=0, le=60, description="How long a request waits for a free connection to PostgreSQL, in seconds."
    )
    database_connect_seconds: float = Field(
        5, gt=0, le=60, description="How long PostgreSQL may take to accept a new connection, in seconds."
    )
    database_statement_seconds: float = Field(
        10, gt=0, le=600, description="How long PostgreSQL may take for one statement, in seconds."
    )
    redis_url: SecretStr = Field(
        SecretStr(""),
        description="Redis server at which several nodes meet, redis://[[user]:password@]host:port/db: they serve "
        "rooms and count limits together. Empty: one node.",
    )
    secret: SecretStr = Field(
        SecretStr(""),
        description="Signs tokens and derives keys, at least 32 characters. Empty: made once and kept in secret.key "
        "in the data folder, readable by its owner alone.",
    )
    web_dir: Path | None = Field(
        None, description="Folder of the built web client. Empty: clients/web/dist of the checkout."
    )

    # Who may do what.
    open_rooms: bool = Field(
        False,
        description="Let clients without any key create and join rooms, as the classic mediasoup tutorials do. "
        "For development: the demo switches it on.",
    )
    jwt_algorithm: Literal["HS256", "HS384", "HS512"] = Field(
        "HS256", description="Algorithm that tokens are signed with; a token naming another one is refused."
    )
    jwt_issuer: str = Field("rostrum", description="Issuer (`iss`) of tokens.")
    jwt_audience: str = Field("rostrum", description="Audience (`aud`) of tokens.")
    access_token_seconds: int = Field(43_200, ge=60, description="Lifetime of a user's token, in seconds.")
    join_token_seconds: int = Field(
        86_400, ge=60, description="Lifetime of a guest's token, and of an invitation that names no end, in seconds."
    )
    api_key_cache_seconds: float = Field(
        10, ge=0, le=60, description="How long a revoked API key may still be taken, in seconds."
    )
    password_threads: int = Field(2, ge=1, le=16, description="Processes that hash passwords, started when needed.")

    session_days: int = Field(
        30, ge=1, le=3650, description="How long a session may go on by refreshing its token, in days."
    )
    https_only: bool = Field(
        False,
        description="Refuse plain HTTP: pages redirect to public_url, all else answers 403. Behind a proxy that ends "
        "TLS, name it in trusted_proxies. Answers over HTTPS carry Strict-Transport-Security.",
    )
    password_reset_seconds: int = Field(
        3600, ge=60, le=86_400, description="How long a link to a new password works, in seconds."
    )
    password_reset_url: str = Field(
        "",
        description="Page that takes a new password, its link sent by mail; `{token}` stands for the token, `{key}` "
        "for the publishable key. Empty: the server's own page.",
    )
    audit_log: str = Field(
        "",
        description="Where audit records go as JSON lines besides the database: a file's path, or stdout. Empty: "
        "nowhere.",
    )

    # Mail.
    smtp_host: str = Field("", description="Mail server for password links. Empty: no mail is sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its TCP port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="How the connection is secured.")
    smtp_user: str = Field("", description="User name at the mail server. Empty: no login.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password at the mail server.")
    smtp_sender: str = Field("rostrum@localhost", description="Address that mail comes from.")

    # How much is taken from whom.
    login_limit_account: str = Field("10/15 minutes", description="Failed logins an account.")
    login_limit_address: str = Field("100/15 minutes", description="Login tries an address.")
    register_limit_address: str = Field("100/hour", description="Registrations an address.")
    guest_limit_address: str = Field("1000/15 minutes", description="Guest tokens an address.")
    room_limit_user: str = Field("300/hour", description="Rooms made by a user (a secret key is not limited).")
    invite_limit_user: str = Field("600/hour", description="Invitations made by a user (a secret key is not limited).")
    refresh_limit_user: str = Field("60/hour", description="Refreshed tokens a user.")
    password_limit_user: str = Field("10/15 minutes", description="Passwords asked for in a session, a user.")
    forgot_limit_account: str = Field("10/hour", description="Mails with a link to a new password, an address of mail.")
    forgot_limit_address: str = Field("20/hour", description="Wishes for such a mail, a network address.")
    reset_limit_address: str = Field("20/hour", description="Tries to set a new password by a link, an address.")
    export_limit_user: str = Field("10/hour", description="Exports of one's data, a user.")
    upload_limit_user: str = Field("120/15 minutes", description="Uploads of a user or guest (not of a secret key).")
    delete_limit_user: str = Field("300/15 minutes", description="Deletions of files by a user or guest.")
    chat_limit_peer: str = Field("60/10 seconds", description="Chat messages of a peer in a live room.")
    reaction_limit_peer: str = Field("20/10 seconds", description="Reactions of a peer in a live room.")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest body of a REST request, in bytes.")
    max_signal_bytes: int = Field(1_048_576, ge=65_536, description="Largest message on a socket, in bytes.")
    max_sockets: int = Field(20_000, ge=1, description="Sockets at once; further ones are refused with 503.")
    max_sockets_per_address: int = Field(
        2000, ge=1, description="Sockets at once from one address (an office behind NAT is one), else 429."
    )

    body_idle_seconds: float = Field(
        15,
        gt=0,
        le=3600,
        description="How long a request's head may take, and its body stand still or creep below 1 KiB/s, in seconds; "
        "uploads have a limit of their own.",
    )

    # Files.
    max_upload_bytes: int = Field(1_073_741_824, ge=1024, description="Largest file that may be uploaded, in bytes.")
    max_room_files_bytes: int = Field(
        10_737_418_240, ge=1024, description="How much the files of a room may take together, in bytes."
    )
    upload_types: Annotated[list[str], NoDecode] = Field(
        default=UPLOAD_TYPES,
        description="Comma-separated types of files that may be uploaded; `image/*` takes all images, `*` everything. "
        "The ending of a file's name tells its type, its first bytes must agree.",
    )
    max_picture_pixels: int = Field(
        100_000_000, ge=1024, description="Largest picture that may be uploaded, in pixels: width times height."
    )
    upload_idle_seconds: float = Field(
        30, gt=0, le=3600, description="How long an upload may stand still, or creep below 1 KiB/s, in seconds."
    )

    # Media.
    media_port: int = Field(
        44_400,
        ge=0,
        le=65_000,
        description="UDP and TCP port of the first media worker; each further one takes the next.",
    )
    media_addresses: Annotated[list[str], NoDecode] = Field(
        default=["auto"],
        description="Comma-separated IP addresses that media listens on; auto: 127.0.0.1 and the host's primary one.",
    )
    announced_address: str = Field(
        "", description="Address or host name that browsers are told instead of the primary one (behind NAT)."
    )
    media_workers: int = Field(default_factory=_cores, ge=1, le=128, description="Media workers; default one a core.")
    consumers_per_worker: int = Field(
        400, ge=1, description="Consumers a worker takes before a room spills over to the next worker."
    )
    engine_binary: Path | None = Field(
        None,
        description="The mediasoup-worker program. Empty: MEDIASOUP_WORKER_BIN, else the one that the set-up built.",
    )
    engine_log_level: Literal["none", "error", "warn", "debug"] = Field("warn", description="The engine's own log.")
    ice_servers: list[IceServer] = Field(
        default=[], description="STUN and TURN servers for browsers, as JSON: a list of RTCIceServer objects."
    )
    peer_grace_seconds: float = Field(
        30, ge=0, le=600, description="How long the peer of a dropped socket is kept, in seconds."
    )

    # Chat.
    chat_batch: int = Field(
        256, ge=1, le=1000, description="Most chat messages that are stored in one transaction, acknowledged together."
    )

    # How it runs.
    log_format: Literal["json", "console"] = Field("console", description="Form of the log on standard error.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    shutdown_seconds: float = Field(8, ge=1, le=300, description="Bound of a clean stop, in seconds.")

    @field_validator("trusted_proxies", "allowed_origins", "media_addresses", "upload_types", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator(
        "login_limit_account",
        "login_limit_address",
        "register_limit_address",
        "guest_limit_address",
        "room_limit_user",
        "upload_limit_user",
        "delete_limit_user",
        "invite_limit_user",
        "refresh_limit_user",
        "password_limit_user",
        "forgot_limit_account",
        "forgot_limit_address",
        "reset_limit_address",
        "export_limit_user",
        "chat_limit_peer",
        "reaction_limit_peer",
    )
    @classmethod
    def _is_a_limit(cls, value: str) -> str:
        try:
            parse(value)
        except ValueError:
            raise ValueError('write it like "10/15 minutes"') from None
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for entry in value:
            ip_network(entry, strict=False)
        return value

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError("the secret needs at least 32 characters")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        scheme, separator, rest = url.partition("://")
        if scheme in ("postgres", "postgresql", "postgresql+asyncpg") and separator:
            # The driver calls it `ssl`, everybody else `sslmode`.
            return SecretStr(f"postgresql+asyncpg://{rest.replace('?sslmode=', '?ssl=').replace('&sslmode=', '&ssl=')}")
        if not url or scheme in ("sqlite", "sqlite+aiosqlite"):
            return SecretStr(f"sqlite+aiosqlite://{rest}" if url else "")
        raise ValueError("must be a postgresql:// or a sqlite:// URL")

    @field_validator("web_dir", "engine_binary", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url.get_secret_value() or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'rostrum.db'}"

    @property
    def url(self) -> str:
        """The public URL without a slash at its end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    def reset_link(self, key: str, token: str) -> str:
        """The link by which somebody sets a new password; `key` is the publishable one of the tenant's web client."""
        page = self.password_reset_url or f"{self.url}/reset-password#k={{key}}&token={{token}}"
        return page.replace("{key}", key).replace("{token}", token)

    @property
    def web(self) -> Path:
        """The folder of the built web client; it may not exist."""
        return self.web_dir or Path(__file__).resolve().parents[3] / "clients" / "web" / "dist"

    def prepare(self) -> "Settings":
        """Make the data folder and the secret where they do not exist; return the settings with the secret in them.

        Raises:
            OSError: the folder or the file cannot be made or read.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.secret.get_secret_value():
            return self
        return self.model_copy(update={"secret": SecretStr(_kept_secret(self.data_dir / "secret.key"))})


def _kept_secret(path: Path) -> str:
    """Read the secret, or make it. The file appears whole or not at all: a kill in between leaves no empty secret."""
    if not path.exists():
        draft = path.with_name(f".secret.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process made it at the same moment; its secret is the one.
        finally:
            draft.unlink()
    return path.read_text().strip()
