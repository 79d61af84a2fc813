"""What nodes tell one another. One node alone needs nobody; several meet at Redis. The only module that speaks to its
channels.

Redis' channels forget: who is away misses what is said. So a message to all is only ever a hint to what the database
holds, and `on_gap` tells when hints may have been missed, here or on another node, so that one can look there. What is
said to one node alone is counted by whoever says it (kit/links.py).
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rostrum.kit import tasks
from rostrum.kit.ids import new_id

log = structlog.get_logger(__name__)

CHANNEL: Final = "rostrum:bus"
CHANNELS: Final = 2
"""That each node listens to: one for all, one of its own."""

RETRY_SECONDS: Final = 0.25
IDLE_SECONDS: Final = 1.0
PARTING_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 3.0
KEPT_MESSAGES: Final = 10_000
_GAP: Final = "gap"

Hearer = Callable[[bytes], Awaitable[None]]


class Bus:
    """The bus of a node that is alone: nobody hears, nothing is missed.

    Attributes:
        node: the id of this node, another one at each start.
    """

    def __init__(self) -> None:
        self.node = new_id()
        self._on_unheard: list[Callable[[str], None]] = []
        self._hearers: dict[str, list[Hearer]] = defaultdict(list)
        self._on_gap: list[Callable[[], Awaitable[None]]] = []

    def subscribe(self, topic: str, hearer: Hearer) -> None:
        """Call back with each message that another node publishes to a topic, one after the other.

        All topics wait for it: it may not wait for anything outside of this process.
        """
        self._hearers[topic].append(hearer)

    def on_gap(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call back when this node is connected again and messages may have been missed, here or elsewhere.

        The callbacks run one after the other, beside the bus.
        """
        self._on_gap.append(callback)

    def on_unheard(self, callback: Callable[[str], None]) -> None:
        """Call back with the id of a node that something was said to while nobody listened there."""
        self._on_unheard.append(callback)

    def publish(self, topic: str, message: bytes, *, to: str | None = None) -> None:
        """Tell the other nodes, or one; awaits nothing, keeps the order, and is lost while the bus is away."""

    def problem(self) -> str:
        """Why the other nodes cannot be reached; empty when they can."""
        return ""

    async def start(self) -> None:
        """Begin to listen; a bus that is away is waited for in the background."""

    async def close(self) -> None:
        """End it."""


class _Envelope(msgspec.Struct, array_like=True, frozen=True):
    node: str
    topic: str
    message: bytes


class RedisBus(Bus):
    """Nodes that share a Redis server.

    Args:
        url: as `redis://[[user]:password@]host:port/db` or `unix:///path`.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        # Nothing is tried again below: the loops here do that, and know what was lost meanwhile.
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=SILENT_SECONDS, socket_connect_timeout=2.0, retry=Retry(NoBackoff(), 0)
        )
        self._outgoing: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(KEPT_MESSAGES)
        self._is_listening = False
        self._has_gap = False
        self._was_lost = False
        self._tasks: list[asyncio.Task[None]] = []
        self._gaps = 0
        self._catching_up: asyncio.Task[None] | None = None

    def publish(self, topic: str, message: bytes, *, to: str | None = None) -> None:
        """Tell the other nodes, or one; awaits nothing, keeps the order, and is lost while Redis is away."""
        try:
            self._outgoing.put_nowait((to or "", self._sealed(topic, message)))
        except asyncio.QueueFull:
            self._was_lost = True

    def problem(self) -> str:
        """Why the other nodes cannot be reached; empty when they can."""
        return "" if self._is_listening else "Redis does not answer"

    async def start(self) -> None:
        """Begin to listen and to tell."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._tell())]

    async def close(self) -> None:
        """Say what is left, then end both; may be called again."""
        if self._tasks and self._is_listening:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PARTING_SECONDS):
                    await self._outgoing.join()
        await tasks.end(*self._tasks, self._catching_up)
        await self._redis.aclose()

    def _sealed(self, topic: str, message: bytes) -> bytes:
        return msgspec.msgpack.encode(_Envelope(self.node, topic, message))

    async def _tell(self) -> None:
        """Publish what waits, all of it in one round trip."""
        while True:
            batch = [await self._outgoing.get(), *self._taken()]
            while not await self._published(batch):
                # What could not be said is not said late, in the middle of something else: whoever may have missed
                # it is told just that.
                self._was_lost = True
                batch = []
                await asyncio.sleep(RETRY_SECONDS)
                self._taken()
            self._outgoing.task_done()

    def _taken(self) -> list[tuple[str, bytes]]:
        """All that waits now."""
        taken = []
        while not self._outgoing.empty():
            taken.append(self._outgoing.get_nowait())
            self._outgoing.task_done()
        return taken

    async def _published(self, batch: list[tuple[str, bytes]]) -> bool:
        was_lost, self._was_lost = self._was_lost, False
        letters = [("", self._sealed(_GAP, b"")), *batch] if was_lost else batch
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for node, envelope in letters:
                    pipeline.publish(_channel(node), envelope)
                heard = await pipeline.execute()
        except Exception as error:
            log.warning("bus.not_told", messages=len(batch), error=type(error).__name__)
            return False
        for node in {node for (node, _), listeners in zip(letters, heard, strict=True) if node and not listeners}:
            for callback in self._on_unheard:
                with _logged(node):
                    callback(node)
        return True

    async def _listen(self) -> None:
        """Hear the others; after each loss of the connection again, as soon as Redis is back."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL, _channel(self.node))
                    await self._hear(pubsub)
            except Exception as error:
                # Whatever it is, a node must not be deaf for ever.
                if self._is_listening or not self._has_gap:
                    log.warning("bus.away", error=type(error).__name__)
                self._is_listening, self._has_gap = False, True
                await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, pubsub: PubSub) -> None:
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            message = await pubsub.get_message(timeout=IDLE_SECONDS)
            if message is not None:
                heard = loop.time()
                await self._take(message)
            elif loop.time() - heard > SILENT_SECONDS:
                raise ConnectionError("Redis is silent.")
            else:
                await pubsub.ping()

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            if message["data"] < CHANNELS:
                return
            self._is_listening = True
            if self._has_gap:
                log.info("bus.back")
                self._has_gap = False
                self._tell_of_gap()
        elif message["type"] == "message":
            with _logged(CHANNEL):
                await self._deliver(msgspec.msgpack.decode(message["data"], type=_Envelope))

    async def _deliver(self, envelope: _Envelope) -> None:
        if envelope.node == self.node:
            return
        if envelope.topic == _GAP:
            self._tell_of_gap()
        for hearer in self._hearers.get(envelope.topic, ()):
            with _logged(envelope.topic):
                await hearer(envelope.message)

    def _tell_of_gap(self) -> None:
        """Let the features look for what they have missed. They ask the database, and the bus goes on meanwhile."""
        self._gaps += 1
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        while self._gaps:
            self._gaps = 0
            for callback in self._on_gap:
                with _logged(_GAP):
                    await callback()


def _channel(node: str) -> str:
    return f"{CHANNEL}:{node}" if node else CHANNEL


@contextlib.contextmanager
def _logged(topic: str) -> Iterator[None]:
    """What a hearer raises stops no other."""
    try:
        yield
    except Exception:
        log.exception("bus.hearer_failed", topic=topic)
