"""Events: plain callbacks, called from the event loop in the order in which they were added."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Callback = Callable[..., None]


class Emitter:
    """Base of every class that tells what happens to it. A callback that raises is logged and disturbs nobody else."""

    __slots__ = ("__weakref__", "_callbacks")

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callback]] | None = None

    def on(self, event: str, callback: Callback) -> Callable[[], None]:
        """Calls `callback` each time that `event` happens. Returns the function that unsubscribes it again."""
        if self._callbacks is None:
            self._callbacks = {}
        self._callbacks.setdefault(event, []).append(callback)
        return lambda: self._off(event, callback)

    def once(self, event: str, callback: Callback) -> Callable[[], None]:
        """Like `on`, but for the next occurrence only."""

        def wrapper(*args: Any) -> None:
            off()
            callback(*args)

        off = self.on(event, wrapper)
        return off

    def emit(self, event: str, *args: Any) -> None:
        """Calls the callbacks of `event`, one after the other."""
        if not self._callbacks:
            return
        # A copy, for a callback may unsubscribe itself or add others.
        for callback in tuple(self._callbacks.get(event, ())):
            try:
                callback(*args)
            except Exception:
                log.exception("a callback of the event %r of %s raised", event, type(self).__name__)

    def _off(self, event: str, callback: Callback) -> None:
        callbacks = (self._callbacks or {}).get(event, [])
        if callback in callbacks:
            callbacks.remove(callback)
