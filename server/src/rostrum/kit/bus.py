"""What nodes tell one another. One node alone needs nobody; several meet at Redis. The only module that speaks to its
channels.

Redis' channels forget: who is away misses what is said. So a message on the bus is only ever a hint to what the
database holds, and `on_gap` tells when hints may have been missed, here or on another node, so that one can look there.
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

from rostrum.kit.ids import new_id

log = structlog.get_logger(__name__)

CHANNEL: Final = "rostrum:bus"
RETRY_SECONDS: Final = 0.25
IDLE_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 3.0
KEPT_MESSAGES: Final = 10_000
_GAP: Final = "gap"

Hearer = Callable[[bytes], Awaitable[None]]


class Bus:
    """The bus of a node that is alone: nobody hears, nothing is missed."""

    def __init__(self) -> None:
        self._hearers: dict[str, list[Hearer]] = defaultdict(list)
        self._on_gap: list[Callable[[], Awaitable[None]]] = []

    def subscribe(self, topic: str, hearer: Hearer) -> None:
        """Call back with each message that another node publishes to a topic, one after the other."""
        self._hearers[topic].append(hearer)

    def on_gap(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call back when this node is connected again and messages may have been missed, here or elsewhere."""
        self._on_gap.append(callback)

    def publish(self, topic: str, message: bytes) -> None:
        """Tell the other nodes; awaits nothing, keeps the order, and is lost while the bus is away."""

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
        self._node = new_id()
        # Nothing is tried again below: the loops here do that, and know what was lost meanwhile.
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=SILENT_SECONDS, socket_connect_timeout=2.0, retry=Retry(NoBackoff(), 0)
        )
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(KEPT_MESSAGES)
        self._is_listening = False
        self._has_gap = False
        self._was_lost = False
        self._tasks: list[asyncio.Task[None]] = []

    def publish(self, topic: str, message: bytes) -> None:
        """Tell the other nodes; awaits nothing, keeps the order, and is lost while Redis is away."""
        try:
            self._outgoing.put_nowait(self._sealed(topic, message))
        except asyncio.QueueFull:
            self._was_lost = True

    def problem(self) -> str:
        """Why the other nodes cannot be reached; empty when they can."""
        return "" if self._is_listening else "Redis does not answer"

    async def start(self) -> None:
        """Begin to listen and to tell."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._tell())]

    async def close(self) -> None:
        """End both; may be called again."""
        pending = set(self._tasks)
        while pending:
            # More than once where need be: a cancellation that meets a time-out in the library is lost there.
            for task in pending:
                task.cancel()
            _done, pending = await asyncio.wait(pending, timeout=0.5)
        await self._redis.aclose()

    def _sealed(self, topic: str, message: bytes) -> bytes:
        return msgspec.msgpack.encode(_Envelope(self._node, topic, message))

    async def _tell(self) -> None:
        """Publish what waits, all of it in one round trip."""
        while True:
            batch = [await self._outgoing.get()]
            while not self._outgoing.empty():
                batch.append(self._outgoing.get_nowait())
            while not await self._published(batch):
                # What could not be said is not said late, in the middle of something else: whoever may have missed
                # it is told just that.
                self._was_lost = True
                batch = []
                await asyncio.sleep(RETRY_SECONDS)
                while not self._outgoing.empty():
                    self._outgoing.get_nowait()

    async def _published(self, batch: list[bytes]) -> bool:
        was_lost, self._was_lost = self._was_lost, False
        envelopes = [self._sealed(_GAP, b""), *batch] if was_lost else batch
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for envelope in envelopes:
                    pipeline.publish(CHANNEL, envelope)
                await pipeline.execute()
        except Exception as error:
            log.warning("bus.not_told", messages=len(batch), error=type(error).__name__)
            return False
        return True

    async def _listen(self) -> None:
        """Hear the others; after each loss of the connection again, as soon as Redis is back."""
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
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
            self._is_listening = True
            if self._has_gap:
                log.info("bus.back")
                self._has_gap = False
                await self._tell_of_gap()
        elif message["type"] == "message":
            with _logged(CHANNEL):
                await self._deliver(msgspec.msgpack.decode(message["data"], type=_Envelope))

    async def _deliver(self, envelope: _Envelope) -> None:
        if envelope.node == self._node:
            return
        if envelope.topic == _GAP:
            await self._tell_of_gap()
        for hearer in self._hearers.get(envelope.topic, ()):
            with _logged(envelope.topic):
                await hearer(envelope.message)

    async def _tell_of_gap(self) -> None:
        for callback in self._on_gap:
            with _logged(_GAP):
                await callback()


@contextlib.contextmanager
def _logged(topic: str) -> Iterator[None]:
    """What a hearer raises stops no other."""
    try:
        yield
    except Exception:
        log.exception("bus.hearer_failed", topic=topic)
