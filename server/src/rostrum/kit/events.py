"""Facts announced inside the process: how a lower feature tells a higher one without knowing it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

E = TypeVar("E")
Subscriber = Callable[[Any], Awaitable[None]]


class EventBus:
    """Carries facts (frozen dataclasses, named in the past tense) to whoever subscribed to their class."""

    def __init__(self) -> None:
        self._subscribers: dict[type, list[Subscriber]] = defaultdict(list)

    def subscribe(self, fact: type[E], subscriber: Callable[[E], Awaitable[None]]) -> Callable[[], None]:
        """Call the subscriber at each fact of this class; the returned function ends the subscription."""
        subscribers = self._subscribers[fact]
        subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in subscribers:
                subscribers.remove(subscriber)

        return unsubscribe

    async def publish(self, fact: object) -> None:
        """Tell all subscribers in the order of subscription; one that fails is logged and stops no other."""
        for subscriber in list(self._subscribers.get(type(fact), ())):
            try:
                await subscriber(fact)
            except Exception:
                log.exception("event.subscriber_failed", fact=type(fact).__name__)
