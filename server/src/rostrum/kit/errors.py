"""The root of all errors that a caller may see.

An error gets its code, status and sentence where it is born: each feature's errors.py subclasses RostrumError.
The doors (HTTP and sockets) only translate it, and docs/errors.md is generated from the classes.
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypedDict


class FieldError(TypedDict):
    """One invalid field of an input."""

    field: str
    msg: str


class RostrumError(Exception):
    """An error with a stable code for programs and a sentence for people.

    Attributes:
        code: stable, snake_case, unique among all errors.
        status: the HTTP status.
        sentence: the default text; an instance may carry a more exact one.
        details: extra members for the answer, for example {"by": "…"}; never secrets.
        retry_after: whole seconds for the Retry-After header, or None.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    sentence: ClassVar[str] = "Something went wrong on the server."

    def __init__(
        self,
        sentence: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(sentence or self.sentence)
        self.errors = list(errors)
        self.retry_after = retry_after
        self.details = details

    @property
    def text(self) -> str:
        """The sentence for people."""
        return str(self.args[0])

    def to_ack(self) -> dict[str, Any]:
        """The form in which a socket's acknowledgement carries this error."""
        body: dict[str, Any] = {"error": self.text, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        if self.retry_after is not None:
            body["retryAfter"] = self.retry_after
        return {**self.details, **body}


class InternalError(RostrumError):
    """Anything unexpected; the details are only in the log."""


class InvalidInput(RostrumError):
    """The input is malformed or fails validation; `errors` names the fields."""

    code = "invalid_input"
    status = 400
    sentence = "The input is invalid."


class Unauthorized(RostrumError):
    """No API key or token, or one that is wrong, expired or revoked."""

    code = "unauthorized"
    status = 401
    sentence = "A valid API key or token is required."


class Forbidden(RostrumError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403
    sentence = "You are not allowed to do this."


class FeatureDisabled(RostrumError):
    """The feature is outside of the tenant's package."""

    code = "feature_disabled"
    status = 403
    sentence = "This feature is not part of your package."


class NotFound(RostrumError):
    """There is nothing at this address, or nothing that the caller may know of."""

    code = "not_found"
    status = 404
    sentence = "There is nothing here."


class MethodNotAllowed(RostrumError):
    """The path exists and does not take this method."""

    code = "method_not_allowed"
    status = 405
    sentence = "This path does not take this method."


class PayloadTooLarge(RostrumError):
    """The body is larger than the setting allows."""

    code = "payload_too_large"
    status = 413
    sentence = "The body is too large."


class UnsupportedMediaType(RostrumError):
    """The body's type is not one that this path takes."""

    code = "unsupported_media_type"
    status = 415
    sentence = "This path does not take this type of body."


class RateLimited(RostrumError):
    """Too many tries in the window; Retry-After says when to come back."""

    code = "rate_limited"
    status = 429
    sentence = "Too many requests; try again later."


class Unavailable(RostrumError):
    """The server is starting, draining or overloaded."""

    code = "unavailable"
    status = 503
    sentence = "The server is not ready; try again in a moment."


def all_errors(root: type[RostrumError] = RostrumError) -> Iterator[type[RostrumError]]:
    """Every error class that has been imported, the root left out."""
    for child in root.__subclasses__():
        yield child
        yield from all_errors(child)
