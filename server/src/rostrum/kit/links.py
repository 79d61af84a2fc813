"""Links between two nodes over the bus: messages in order, none lost unnoticed, and the end of either side seen.

A link has two ends. The end that opens it numbers its batches from 0 under an id of its own choice, the other end
answers under the same id, and each sends something at least once in a while. Whoever misses a batch, or hears nothing
for too long, gives the link up: what depended on it ends, and is begun anew over another one. So the bus below may
forget, and nobody goes on in the belief that it did not.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec
import structlog

from rostrum.kit import clock
from rostrum.kit.bus import Bus
from rostrum.kit.ids import new_id

log = structlog.get_logger(__name__)

TOPIC: Final = "links"
BEAT_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 4.0
BROKEN: Final = -1
"""The number of a batch that says: this link is no more."""

T = TypeVar("T")


class _Batch(msgspec.Struct, array_like=True, frozen=True):
    """What goes from one end to the other in one message; `opening`: from the end that opened the link."""

    node: str
    opening: bool
    link: str
    number: int
    items: list[msgspec.Raw]


class Link(Generic[T]):
    """One end of a link.

    Attributes:
        node: the node at the other end.
        opening: whether this end opened it.
        broken: whether it has ended.
    """

    def __init__(self, links: "Links[T]", node: str, link_id: str, *, opening: bool) -> None:
        self.node = node
        self.id = link_id
        self.opening = opening
        self.broken = False
        self.heard_at = clock.monotonic()
        self._links = links
        self._waiting: list[bytes] = []
        self._sent = 0
        self._received = 0
        self._beat = True

    def send(self, item: T) -> None:
        """Send a message; those of one turn of the event loop go together. Nothing happens once it is broken."""
        if self.broken:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self._waiting.append(msgspec.msgpack.encode(item))

    def flush(self) -> None:
        """Hand what waits to the bus."""
        if self._waiting and not self.broken:
            items, self._waiting = self._waiting, []
            self._publish(items)

    def beat(self) -> None:
        """Say that this end lives, unless it has just said something."""
        if self._beat:
            self._publish([])
        self._beat = True

    def takes(self, number: int) -> bool:
        """Whether a batch is the next one."""
        if number != self._received:
            return False
        self._received += 1
        self.heard_at = clock.monotonic()
        return True

    def _publish(self, items: Sequence[bytes]) -> None:
        self._links.publish(self, self._sent, items)
        self._sent += 1
        self._beat = False


class Links(Generic[T]):
    """All links of this node.

    Args:
        kind: the type of the messages, a union of tagged structs.
        on_message: called with each message and the link that it came by; awaits nothing.
        on_broken: called once when a link has ended.
    """

    def __init__(
        self, bus: Bus, kind: Any, on_message: Callable[[Link[T], T], None], on_broken: Callable[[Link[T]], None]
    ) -> None:
        self._bus = bus
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._batches = msgspec.msgpack.Decoder(_Batch)
        self._on_message = on_message
        self._on_broken = on_broken
        self._links: dict[tuple[str, bool], Link[T]] = {}
        self._beating: asyncio.Task[None] | None = None
        bus.subscribe(TOPIC, self._hear)
        bus.on_unheard(self._unheard)

    def to(self, node: str) -> Link[T]:
        """The link that this node has opened to another one; opened now where there is none."""
        link = self._links.get((node, True))
        if link is None:
            link = self._links[node, True] = Link(self, node, new_id(), opening=True)
        return link

    def start(self) -> None:
        """Begin to watch over the links."""
        self._beating = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """End all links, and tell the other ends."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        for link in list(self._links.values()):
            link.flush()
            self.give_up(link)

    def give_up(self, link: Link[T]) -> None:
        """End a link, and tell the other end."""
        if not link.broken:
            self.publish(link, BROKEN, [])
            self._break(link)

    def publish(self, link: Link[T], number: int, items: Sequence[bytes]) -> None:
        """Send a batch; called by the link."""
        self._say(link.node, link.id, number, items, opening=link.opening)

    def _say(self, node: str, link_id: str, number: int, items: Sequence[bytes], *, opening: bool) -> None:
        raw = [msgspec.Raw(item) for item in items]
        batch = msgspec.msgpack.encode(_Batch(self._bus.node, opening, link_id, number, raw))
        self._bus.publish(TOPIC, batch, to=node)

    async def _hear(self, message: bytes) -> None:
        batch = self._batches.decode(message)
        link = self._found(batch)
        if link is None:
            return
        if not link.takes(batch.number):
            log.warning("link.gap", node=link.node, number=batch.number)
            self.give_up(link)
            return
        try:
            for item in batch.items:
                if not link.broken:
                    self._on_message(link, self._decoder.decode(item))
        except Exception:
            # What was not taken in is missing here, as if it had been lost.
            log.exception("link.message_failed", node=link.node)
            self.give_up(link)

    def _found(self, batch: _Batch) -> Link[T] | None:
        """The link of a batch; opened by its first one."""
        link = self._links.get((batch.node, not batch.opening))
        known = link is not None and link.id == batch.link
        if link is not None and known and batch.number == BROKEN:
            self._break(link)
        elif batch.opening and not known and batch.number == 0:
            if link is not None:  # The other end has given the old one up.
                self._break(link)
            link = self._links[batch.node, False] = Link(self, batch.node, batch.link, opening=False)
            return link
        elif batch.opening and not known and batch.number != BROKEN:  # It began before this node listened.
            self._say(batch.node, batch.link, BROKEN, [], opening=False)
        return link if known and batch.number != BROKEN else None

    def _unheard(self, node: str) -> None:
        for opening in (True, False):
            link = self._links.get((node, opening))
            if link is not None:
                log.warning("link.unheard", node=node)
                self._break(link)

    def _break(self, link: Link[T]) -> None:
        link.broken = True
        if self._links.get((link.node, link.opening)) is link:
            del self._links[link.node, link.opening]
        self._on_broken(link)

    async def _watch(self) -> None:
        """Show the other ends that this node lives, and end the links that nothing comes by any longer."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = clock.monotonic()
            for link in list(self._links.values()):
                if self._bus.problem():  # Nobody can be heard, so that silence says nothing.
                    link.heard_at = now
                elif now - link.heard_at > SILENT_SECONDS:
                    log.warning("link.silent", node=link.node)
                    self.give_up(link)
                else:
                    link.beat()
