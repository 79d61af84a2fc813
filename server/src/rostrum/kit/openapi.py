"""The OpenAPI document, told the truth about errors and keys, which FastAPI cannot know."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from rostrum.kit.answers import ERROR_SCHEMA, refusals
from rostrum.kit.bodies import BodyTooSlow
from rostrum.kit.errors import InvalidInput, PayloadTooLarge, RostrumError, UnsupportedMediaType

ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["success", "code", "msg", "message", "requestId"],
    "properties": {
        "success": {"const": False},
        "code": {"type": "string", "description": "Stable; docs/errors.md lists all."},
        "msg": {"type": "string", "description": "A sentence for people."},
        "message": {"type": "string", "description": "The same as msg."},
        "requestId": {"type": "string", "description": "Also in the X-Request-Id header and in the server's log."},
        "errors": {
            "type": "array",
            "description": "The invalid fields of the input.",
            "items": {
                "type": "object",
                "required": ["field", "msg"],
                "properties": {"field": {"type": "string"}, "msg": {"type": "string"}},
            },
        },
    },
    "example": {
        "success": False,
        "code": "room_not_found",
        "msg": "There is no such room.",
        "message": "There is no such room.",
        "requestId": "68aff60d0d7bbb02c917906d",
    },
}
SCHEMES: Final[dict[str, Any]] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "Names the tenant."},
    "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Names the user."},
}
ERROR_ANSWER: Final[dict[str, Any]] = {
    "description": "An error; `code` tells which.",
    "content": {"application/json": {"schema": ERROR_SCHEMA}},
}
PARAMETERS: Final[dict[str, tuple[str, Any]]] = {
    "room_id": ("The room's id.", "68aff60d0d7bbb02c917906d"),
    "meeting_id": ("The meeting's id.", "68ee4b39b22d6134386fc5dc"),
    "user_id": ("The user's id.", "68de7a9d8f40ff41c940c7fb"),
    "filename": ("The file's name, as the upload answered it.", "slides.pdf"),
    "file_name": ("The file's name, as the upload answered it.", "slides.pdf"),
    "limit": ("Most items a page.", 50),
    "cursor": ("The X-Next-Cursor of the page before.", None),
}
"""Parameters of paths and queries: what they are, and one as it may look."""


def describe(app: FastAPI, *, without_key: frozenset[str], of_key: tuple[type[RostrumError], ...]) -> None:
    """Amend the app's document; the paths in `without_key` need no API key, all others may answer `of_key` as well."""
    made = app.openapi

    def amended() -> dict[str, Any]:
        document = made()  # FastAPI makes it once and keeps it; amending it again changes nothing.
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Error"] = ERROR
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        document["components"]["securitySchemes"] = SCHEMES
        for path, operation in _operations(document):
            common: list[type[RostrumError]] = [] if path in without_key else [*of_key]
            operation["security"] = [] if path in without_key else [{"ApiKey": []}, {"ApiKey": [], "Bearer": []}]
            _amend(operation, common)
        return document

    app.openapi = amended  # type: ignore[method-assign]


def _amend(operation: dict[str, Any], common: list[type[RostrumError]]) -> None:
    answers = operation["responses"]
    if answers.pop("422", None) is not None:  # FastAPI's own; ours is a 400.
        common = [*common, InvalidInput]
    if "requestBody" in operation:
        common = [*common, PayloadTooLarge, UnsupportedMediaType, BodyTooSlow]
    for status, answer in refusals(*common).items():
        known = answers.setdefault(str(status), answer)
        content = known["content"]["application/json"]
        content["examples"] = {**answer["content"]["application/json"]["examples"], **content.get("examples", {})}
    answers["default"] = ERROR_ANSWER
    operation["responses"] = dict(sorted(answers.items()))
    for answer in answers.values():
        _only_the_model(answer)
    for parameter in operation.get("parameters", ()):
        if (told := PARAMETERS.get(parameter["name"])) is not None:
            parameter.setdefault("description", told[0])
            if told[1] is not None:
                parameter.setdefault("example", told[1])


def _only_the_model(answer: dict[str, Any]) -> None:
    """Take out what FastAPI infers from a route's `dict` beside the described model."""
    for content in answer.get("content", {}).values():
        if "$ref" in content.get("schema", {}):
            content["schema"] = {"$ref": content["schema"]["$ref"]}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document.get("paths", {}).items():
        for operation in operations.values():
            yield path, operation
