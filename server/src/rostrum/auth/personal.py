"""The data of one user across all features: for the export, and for the day the account goes."""

from typing import Any, Protocol


class PersonalData(Protocol):
    """What a feature keeps about users. Features add theirs to AuthService.personal.

    Attributes:
        name: the key of this feature's part in the export.
    """

    name: str

    async def export(self, tenant_id: str, user_id: str) -> Any:
        """All of it, ready for JSON, within the caller's transaction."""

    async def erase(self, tenant_id: str, user_id: str) -> None:
        """Forget it, or make it nobody's, within the caller's transaction."""
