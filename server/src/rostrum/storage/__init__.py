"""Objects: bytes under names that the server makes, kept whole or not at all."""

from rostrum.storage.draft import Draft
from rostrum.storage.errors import StorageFull, StorageUnavailable
from rostrum.storage.service import ObjectStorage

__all__ = ["Draft", "ObjectStorage", "StorageFull", "StorageUnavailable"]
