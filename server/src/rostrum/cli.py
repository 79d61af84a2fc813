"""The command line: serve, demo, migrate, keys, users, tenants, doctor, settings, errors."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from rostrum.kit import clock
from rostrum.kit.errors import RostrumError
from rostrum.kit.logging import configure_logging
from rostrum.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # Passwords and keys are among them.
    help="Rostrum, a self-hosted webinar server.",
)
keys_app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")
users_app = typer.Typer(no_args_is_help=True, help="Make users.")
tenants_app = typer.Typer(no_args_is_help=True, help="Make and list tenants.")
app.add_typer(keys_app, name="keys")
app.add_typer(users_app, name="users")
app.add_typer(tenants_app, name="tenants")

T = TypeVar("T")

DEMO_PATIENCE = 5.0
"""Seconds that the demo waits for a media worker before it says that it cannot serve."""

MEDIA_PORT_PATIENCE = 2.0
"""Seconds: workers of a server that was killed a moment ago need a little time to notice."""

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the database, the secret and all files.")]
TenantName = Annotated[str, typer.Option("--tenant", help="Name or id of the tenant.")]


def fail(sentence: str) -> "typer.Exit":
    """Say what is wrong, in one sentence, and end with 1."""
    print(f"rostrum: {sentence}", file=sys.stderr)
    return typer.Exit(1)


def _line_of(what: str, text: str) -> str:
    """A name that somebody gave: one line of at most 100 characters."""
    clean = text.strip()
    if not clean or len(clean) > 100 or not clean.isprintable():
        raise fail(f"a {what} is one line of 1 to 100 characters.")
    return clean


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def read_settings(**given: Any) -> Settings:
    """The settings, those given on the command line first."""
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = "; ".join(f"ROSTRUM_{'.'.join(map(str, p['loc'])).upper()}: {p['msg']}" for p in error.errors())
        raise fail(f"a setting is invalid: {problems}") from None


@app.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve until SIGTERM."""
    settings = read_settings(**_given(host=host, port=port, data_dir=data_dir))
    configure_logging(settings.log_format, settings.log_level)
    from rostrum.main import App  # noqa: PLC0415 - the server's libraries load only where they are needed.

    def ready(running: App) -> None:
        import structlog  # noqa: PLC0415

        structlog.get_logger("rostrum").info("server.ready", url=running.services.settings.url)

    _run(settings, None, ready)


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready, for programs.")] = False,
) -> None:
    """Serve a demo webinar: the same keys, users and room each time, and rooms open to clients without a key."""
    settings = read_settings(**{**_demo_defaults(), **_given(host=host, port=port, data_dir=data_dir)})
    configure_logging(settings.log_format, settings.log_level)
    from rostrum.demo import Demo, prepare_demo  # noqa: PLC0415
    from rostrum.main import App  # noqa: PLC0415
    from rostrum.services import Services  # noqa: PLC0415

    made: list[Demo] = []

    async def prepare(services: Services) -> None:
        made.append(await prepare_demo(services))

    def ready(_running: App) -> None:
        print(json.dumps(made[0].to_json()) if as_json else _welcome(made[0]), flush=True)

    _run(settings, prepare, ready, patience=DEMO_PATIENCE)


def _demo_defaults() -> dict[str, Any]:
    """What the demo does unless told otherwise: it stays on this machine, since its rooms are open to everybody."""
    defaults: dict[str, Any] = {"host": "127.0.0.1", "open_rooms": True, "log_level": "warning"}
    settings = read_settings()
    if _media_problem(settings) is not None:
        defaults["media_port"] = 0  # Another demo runs on this machine; any free ports do for this one.
    return {name: value for name, value in defaults.items() if name not in settings.model_fields_set}


def _media_problem(settings: Settings) -> str | None:
    from rostrum.kit.ports import media_ports, wait_until_free  # noqa: PLC0415
    from rostrum.sfu.pool import resolve_addresses  # noqa: PLC0415

    ports = media_ports(settings.media_port, settings.media_workers) if settings.media_port else []
    return wait_until_free(resolve_addresses(settings.media_addresses), ports, MEDIA_PORT_PATIENCE)


def _welcome(demo: Any) -> str:
    return (
        f"\n  Rostrum is ready at {demo.url}\n\n"
        f"  Go live as the host:  {demo.hostLink}\n\n"
        f"  Watch as a viewer:    {demo.viewerLink}\n\n"
        "  Open the first link in Chrome and the second one in another window. Ctrl-C ends the demo.\n"
    )


def _run(settings: Settings, prepare: Any, on_ready: Callable[[Any], None], patience: float | None = None) -> None:
    from rostrum.main import create_app  # noqa: PLC0415
    from rostrum.serving import NeverReady, PortTaken, bind  # noqa: PLC0415
    from rostrum.serving import serve as run_server  # noqa: PLC0415

    try:
        listener = bind(settings.host, settings.port)
        if problem := _media_problem(settings):
            raise PortTaken(f"Media cannot have {problem}. Choose other ports with ROSTRUM_MEDIA_PORT.")
        real = settings.model_copy(update={"port": listener.getsockname()[1]})
        run_server(lambda: create_app(real, prepare), listener, on_ready, patience)
    except (PortTaken, NeverReady) as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"cannot use the data folder {settings.data_dir}: {error}") from None


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to the present form; serve and demo do it at their start as well."""

    async def nothing(_services: Any) -> None:
        return

    _with_services(data_dir, nothing)
    print("The database is up to date.")


@keys_app.command("create")
def keys_create(
    kind: Annotated[str, typer.Argument(help="secret (for a backend) or publishable (for a browser).")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    tenant: TenantName = "default",
    data_dir: DataDir = None,
) -> None:
    """Make an API key and show it, once."""
    if kind not in ("secret", "publishable"):
        raise fail("a key is either secret or publishable.")
    label = _line_of("key's name", name or kind)

    async def create(services: Any) -> str:
        owner = await services.tenants.get(tenant)
        made = await services.tenants.create_key(owner.id, kind, label)
        return f"{made.id}  {made.key}"

    print(_with_services(data_dir, create))
    print("The key is shown this once; only its hash is stored.", file=sys.stderr)


@keys_app.command("list")
def keys_list(tenant: TenantName = "default", data_dir: DataDir = None) -> None:
    """List a tenant's keys, without the keys themselves."""

    async def rows(services: Any) -> list[str]:
        owner = await services.tenants.get(tenant)
        return [
            f"{key.id}  {key.kind:<12}{key.hint:<20}{'revoked' if key.revoked_at else 'valid':<9}"
            f"used {clock.iso(key.last_used_at) if key.last_used_at else 'never':<26}{key.name}"
            for key in await services.tenants.keys(owner.id)
        ]

    print("\n".join(_with_services(data_dir, rows)) or "No keys.")


@keys_app.command("revoke")
def keys_revoke(key_id: str, data_dir: DataDir = None) -> None:
    """Make a key invalid for good; a running server notices within ten seconds."""
    _with_services(data_dir, lambda services: services.tenants.revoke_key(key_id))
    print("Revoked.")


@users_app.command("create-admin")
def users_create_admin(
    email: str,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    tenant: TenantName = "default",
    data_dir: DataDir = None,
) -> None:
    """Make an administrator of a tenant."""
    from rostrum.auth.schemas import RegisterInput  # noqa: PLC0415

    body = {"email": email, "fName": "Admin", "lName": "Admin", "phoneNumber": "000", "country": "--"}
    try:
        new = RegisterInput.model_validate({**body, "password": password}).to_new_user()
    except ValidationError as error:
        raise fail("; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())) from None

    async def create(services: Any) -> str:
        owner = await services.tenants.get(tenant)
        user = await services.auth.create_user(owner.id, new, roles=("user", "admin"))
        return str(user.id)

    print(_with_services(data_dir, create))


@tenants_app.command("create")
def tenants_create(
    name: str,
    package: Annotated[str, typer.Option(help="essential or professional.")] = "professional",
    data_dir: DataDir = None,
) -> None:
    """Make a tenant and show its id."""
    if package not in ("essential", "professional"):
        raise fail("a package is either essential or professional.")
    label = _line_of("tenant's name", name)

    async def create(services: Any) -> str:
        return str((await services.tenants.create(label, package)).id)

    print(_with_services(data_dir, create))


@tenants_app.command("list")
def tenants_list(data_dir: DataDir = None) -> None:
    """List all tenants."""

    async def rows(services: Any) -> list[str]:
        return [f"{tenant.id}  {tenant.package:<14}{tenant.name}" for tenant in await services.tenants.list()]

    print("\n".join(_with_services(data_dir, rows)))


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/settings.md has it.")] = False,
) -> None:
    """Show every setting with its default."""
    from rostrum.documents import settings_markdown, settings_text  # noqa: PLC0415

    print(settings_markdown() if markdown else settings_text(read_settings()), end="")


@app.command()
def errors(
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/errors.md has it.")] = False,
) -> None:
    """Show every error code that a client may see."""
    from rostrum.documents import errors_markdown, errors_text  # noqa: PLC0415

    print(errors_markdown() if markdown else errors_text(), end="")


@app.command()
def doctor(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, for programs.")] = False,
) -> None:
    """Look for what commonly breaks and say what to do; ends with 1 if something does not work."""
    settings = read_settings(**_given(host=host, port=port, data_dir=data_dir))
    configure_logging(settings.log_format, "error")
    from rostrum.doctor import Finding, examine  # noqa: PLC0415

    async def run() -> list[Finding]:
        found = []
        async for finding in examine(settings):
            found.append(finding)
            if not as_json:
                print(_line(finding), flush=True)
        return found

    findings = asyncio.run(run())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(1)


def _line(finding: Any) -> str:
    mark = {"ok": " ok ", "warn": "WARN", "fail": "FAIL"}[finding.level]
    advice = f"\n       → {finding.advice}" if finding.advice else ""
    return f"[{mark}] {finding.check}: {finding.text}{advice}"


def _with_services(data_dir: Path | None, verb: Callable[[Any], Awaitable[T]]) -> T:
    """Run one verb on the services of a data folder, its database brought up to date first."""
    settings = read_settings(**_given(data_dir=data_dir))
    configure_logging(settings.log_format, "warning")
    from rostrum.migrate import upgrade  # noqa: PLC0415
    from rostrum.services import build  # noqa: PLC0415

    async def run() -> T:
        services = build(settings.prepare())
        try:
            await upgrade(services.db)
            await services.tenants.default()
            return await verb(services)
        finally:
            services.auth.close()
            await services.audit.close()
            await services.db.close()

    try:
        return asyncio.run(run())
    except RostrumError as error:
        raise fail(error.text) from None
    except OSError as error:
        raise fail(f"cannot use the data folder {settings.data_dir}: {error}") from None
    except DBAPIError as error:  # What it was to write is hidden in it, and the address of the database is not in it.
        raise fail(f"cannot use the database: {error.orig}") from None


def main() -> None:
    """Entry point of the `rostrum` command."""
    app()
