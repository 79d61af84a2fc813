"""Documents made from the code itself: docs/settings.md and docs/errors.md. A test fails when they disagree."""

import inspect
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

import rostrum.features
import rostrum.kit.connections
import rostrum.main  # noqa: F401 - with the features, everything that defines an error is loaded.
from rostrum.kit.errors import RostrumError, all_errors
from rostrum.settings import Settings

SETTINGS_HEAD = """# Settings

Each setting is an environment variable; `./rostrum serve` also takes `--host`, `--port` and `--data-dir`.
`./rostrum settings` shows the values in force. This page is made by `./rostrum settings --markdown`.

| variable | default | meaning |
|---|---|---|
"""

ERRORS_HEAD = """# Errors

REST answers an error as `{"success": false, "code", "msg", "message", "requestId"}` with the status below, a socket's
acknowledgement as `{"error", "code"}`. Codes are stable: programs decide by them; sentences are for people and may
change. This page is made by `./rostrum errors --markdown`.

| code | status | sentence | when |
|---|---|---|---|
"""


def settings_markdown() -> str:
    """The text of docs/settings.md."""
    rows = [
        f"| `{_variable(name)}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return SETTINGS_HEAD + "\n".join(rows) + "\n"


def settings_text(settings: Settings) -> str:
    """The values in force, one a line, secrets hidden."""
    values = {_variable(name): getattr(settings, name) for name in Settings.model_fields}
    return "".join(f"{name}={_shown(value)}\n" for name, value in values.items())


def every_error() -> list[type[RostrumError]]:
    """All error classes there are, those that only group others included."""
    return [RostrumError, *all_errors()]


def errors() -> list[type[RostrumError]]:
    """All error classes, by status and code; those that share a code are listed once."""
    by_code: dict[str, type[RostrumError]] = {}
    for error in every_error():
        by_code.setdefault(error.code, error)
    return sorted(by_code.values(), key=lambda error: (error.status, error.code))


def errors_markdown() -> str:
    """The text of docs/errors.md."""
    rows = [f"| `{error.code}` | {error.status} | {error.sentence} | {_when(error)} |" for error in errors()]
    return ERRORS_HEAD + "\n".join(rows) + "\n"


def errors_text() -> str:
    """All codes, one a line."""
    return "".join(f"{error.status}  {error.code:<28}{error.sentence}\n" for error in errors())


def _variable(name: str) -> str:
    return f"{Settings.model_config.get('env_prefix', '')}{name}".upper()


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "one a core"
    value = field.default
    if value is None or value in ([], "") or isinstance(value, SecretStr):
        return "empty"
    return f"`{_shown(value)}`{_choices(field.annotation)}"


def _choices(annotation: Any) -> str:
    """The other values of a setting that takes one of a few."""
    choices = [choice for choice in get_args(annotation) if isinstance(choice, str)]
    return f" of {', '.join(choices)}" if choices else ""


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(set)" if value.get_secret_value() else ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _when(error: type[RostrumError]) -> str:
    if error is RostrumError:
        return "Anything unexpected; the details are only in the log."
    return " ".join((inspect.getdoc(error) or "").split("\n\n")[0].split())
