"""Tenants: the customers that API keys belong to, their keys and their package of features."""

from rostrum.tenants.models import KeyKind
from rostrum.tenants.service import KeyIdentity, NewKey, TenantInfo, TenantService

__all__ = ["KeyIdentity", "KeyKind", "NewKey", "TenantInfo", "TenantService"]
