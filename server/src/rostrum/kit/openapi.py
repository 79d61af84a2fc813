"""The OpenAPI document, told the truth about errors and keys, which FastAPI cannot know."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

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
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def describe(app: FastAPI, *, without_key: frozenset[str]) -> None:
    """Amend the app's document; the paths in `without_key` need no API key."""
    made = app.openapi

    def amended() -> dict[str, Any]:
        document = made()  # FastAPI makes it once and keeps it; amending it again changes nothing.
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Error"] = ERROR
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        document["components"]["securitySchemes"] = SCHEMES
        for path, operation in _operations(document):
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = ERROR_ANSWER
            operation["security"] = [] if path in without_key else [{"ApiKey": []}, {"ApiKey": [], "Bearer": []}]
        return document

    app.openapi = amended  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document.get("paths", {}).items():
        for operation in operations.values():
            yield path, operation
