"""What all objects that live in a worker have in common."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from .channel import Body, Channel, Reader
from .emitter import Emitter
from .errors import Closed, RequestTimeout


def new_id() -> str:
    """A fresh identifier for an object in the worker."""
    # A UUID of version 4, without the detour over an integer that the library takes.
    number = bytearray(os.urandom(16))
    number[6] = number[6] & 0x0F | 0x40
    number[8] = number[8] & 0x3F | 0x80
    digits = number.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def camel(value: Any) -> Any:
    """What the worker answered, in the camelCase that mediasoup's documentation uses."""
    if isinstance(value, dict):
        return {_camel_name(name): camel(item) for name, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list | bytes) else value


_NAMES: dict[str, str] = {}


def _camel_name(name: str) -> str:
    known = _NAMES.get(name)
    if known is None:
        first, *rest = name.split("_")
        # Names come from the schema alone, so there are only so many of them.
        known = _NAMES[name] = first + "".join(part.capitalize() for part in rest)
    return known


class Entity(Emitter):
    """An object in the worker, with an `id`, an `app_data` that belongs to the caller, and an end.

    However it ends, "close" is emitted once; before it, if it was not `close()` that ended it, the reason.
    """

    __slots__ = ("_channel", "_closed", "app_data", "id")

    def __init__(self, id: str, channel: Channel, app_data: Any = None) -> None:
        super().__init__()
        self.id = id
        self.app_data = app_data
        self._channel = channel
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return self._closed

    def _check_open(self) -> None:
        if self._closed:
            raise Closed(f"the {type(self).__name__} is closed")

    async def _request(self, method: str, body: Body | None = None) -> Any:
        """A request to this very object."""
        self._check_open()
        return await self._channel.request(method, self.id, body)

    async def _create(self, method: str, body: Body, undo: tuple[str, Body], read: Reader | None = None) -> Any:
        """A request to this object that makes another one.

        If the caller goes away or this object is closed meanwhile, the new one is not left behind: `undo` is sent.
        """
        self._check_open()
        try:
            response = await self._channel.request(method, self.id, body, lean=True, read=read)
        except (asyncio.CancelledError, RequestTimeout):
            self._undo(undo)
            raise
        if self._closed:
            # The worker closed the new object together with this one.
            raise Closed(f"the {type(self).__name__} was closed meanwhile")
        return response

    def _undo(self, undo: tuple[str, Body]) -> None:
        if not self._closed:
            method, body = undo
            self._channel.post(method, self.id, body)

    def _end(self, reason: str | None = None) -> None:
        """Tells everybody that it is over. The caller has checked `_closed` and let the children know."""
        self._channel.unsubscribe(self.id)
        if reason:
            self.emit(reason)
        self.emit("close")
