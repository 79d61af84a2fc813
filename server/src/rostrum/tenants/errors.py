"""What can go wrong with tenants and keys."""

from rostrum.kit.errors import NotFound, RostrumError, Unauthorized


class InvalidApiKey(Unauthorized):
    """The x-api-key header is missing, unknown or revoked."""

    code = "invalid_api_key"
    sentence = "A valid API key is required."


class TenantNotFound(NotFound):
    """No tenant has this name or id."""

    code = "tenant_not_found"
    sentence = "There is no such tenant."


class TenantExists(RostrumError):
    """A tenant of this name exists."""

    code = "tenant_exists"
    status = 409
    sentence = "A tenant of this name exists already."


class ApiKeyNotFound(NotFound):
    """No API key has this id."""

    code = "api_key_not_found"
    sentence = "There is no such API key."
