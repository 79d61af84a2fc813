"""Structured logs: JSON for machines or a console form for people, without secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from rostrum.kit.origin import origin

SECRET_KEYS = frozenset({"password", "token", "authorization", "api_key", "apikey", "secret", "resume", "x-api-key"})
_SECRET_TEXT = re.compile(r"rk_(?:secret|pub)_[A-Za-z0-9_-]+|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

Entry = MutableMapping[str, Any]


def redact(_logger: Any, _method: str, entry: Entry) -> Entry:
    """Blank the fields that are secret by name and the texts that look like a key or a token."""
    for key, value in entry.items():
        if key.lower() in SECRET_KEYS:
            entry[key] = "[secret]"
        elif isinstance(value, str):
            entry[key] = _SECRET_TEXT.sub("[secret]", value)
    return entry


def name_request(_logger: Any, _method: str, entry: Entry) -> Entry:
    """Say which request or socket an entry is about."""
    if request_id := origin().request_id:
        entry.setdefault("request_id", request_id)
    return entry


def configure_logging(form: Literal["json", "console"], level: str) -> None:
    """Send all logs, ours and the libraries', to standard error in one form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        name_request,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # As text and without local variables, which may hold secrets; so that `redact` sees it too.
        structlog.processors.format_exc_info,
    ]
    render: list[Any] = (
        [redact, structlog.processors.JSONRenderer()]
        if form == "json"
        else [
            redact,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These libraries tell each request or packet at INFO; ours is the log that people read.
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "aiosqlite"):
        logging.getLogger(noisy).handlers.clear()
        logging.getLogger(noisy).propagate = True
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
