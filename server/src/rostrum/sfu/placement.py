"""Which router of which worker a peer is on, and how streams get from one router to another."""

import asyncio
import hashlib
from typing import Any

import msgspec
import structlog

from rostrum.sfu.codecs import MEDIA_CODECS
from rostrum.sfu.errors import MediaRestarting, media_errors
from rostrum.sfu.media import MediaRoom, MediaRouter, PeerMedia, Send
from rostrum.sfu.pool import MediaWorker, WorkerPool

log = structlog.get_logger(__name__)

SPEAKER_INTERVAL_MS = 300
LEVELS_INTERVAL_MS = 1000


class Placement:
    """Spreads rooms over workers by load, and a room that outgrows its workers over more of them.

    Args:
        limit: consumers that a worker takes before a room goes on to the next worker.
    """

    def __init__(self, pool: WorkerPool, *, limit: int) -> None:
        self._pool = pool
        self._limit = limit

    async def router_of(self, media: PeerMedia) -> MediaRouter:
        """The router that a peer's transports are on; chosen at the first one.

        Raises:
            MediaRestarting: no worker can take it at this moment.
        """
        if media.router is None or not media.router.alive:
            media.unplace()
            router = await self._choose(media.room)
            if media.peer.left:
                # It left while it waited; its place would never be given back.
                raise MediaRestarting(retry_after=1)
            media.place(router)
        assert media.router is not None
        return media.router

    async def any_router(self, room: MediaRoom) -> MediaRouter:
        """A router of the room, made if there is none: all have the same capabilities."""
        for router in room.alive():
            return router
        return await self._choose(room)

    async def _choose(self, room: MediaRoom) -> MediaRouter:
        async with room.lock:
            for router in room.alive():
                if router.media_worker.load < self._limit:
                    return router
            used = [router.media_worker for router in room.alive()]
            worker = await self._pool.least_loaded(exclude=used)
            # All are full: better a crowded worker than a closed door.
            return room.routers.get(worker) or await self._make(room, worker)

    async def _make(self, room: MediaRoom, worker: MediaWorker) -> MediaRouter:
        with media_errors():
            router = await worker.worker.create_router(MEDIA_CODECS)
            speakers = await router.create_active_speaker_observer(interval=SPEAKER_INTERVAL_MS)
            levels = await router.create_audio_level_observer(
                max_entries=10, threshold=-60, interval=LEVELS_INTERVAL_MS
            )
        media_router = MediaRouter(worker, router, speakers, levels, _tag(router.rtp_capabilities.to_json()))
        if room.closed or not media_router.alive:
            router.close()
            raise MediaRestarting(retry_after=1)
        room.routers[worker] = media_router
        worker.routers += 1
        log.info("media.router_made", room=room.live.id, worker=worker.index, routers=len(room.routers))
        return media_router

    async def bring(self, send: Send, target: MediaRouter) -> None:
        """Make a stream available on another router of its room; it is piped there once, whoever asks.

        Raises:
            MediaRestarting: one of the two workers has ended.
        """
        if send.router is target:
            return
        task = send.pipes.get(target)
        if task is None:
            task = send.pipes[target] = asyncio.ensure_future(self._pipe(send, target))
        try:
            await asyncio.shield(task)
        except BaseException:
            if task.done() and send.pipes.get(target) is task:
                del send.pipes[target]
            raise

    async def _pipe(self, send: Send, target: MediaRouter) -> Any:
        with media_errors():
            return await send.router.router.pipe_to_router(producer_id=send.id, router=target.router)

    def forget(self, room: MediaRoom, worker: MediaWorker) -> MediaRouter | None:
        """The worker of a room has died, or its router there is closed."""
        router = room.routers.pop(worker, None)
        if router is not None:
            worker.routers -= 1
            for send in room.sends.values():
                send.pipes.pop(router, None)
        return router

    def close(self, room: MediaRoom) -> None:
        """End all routers of a room."""
        room.closed = True
        for worker, router in list(room.routers.items()):
            self.forget(room, worker)
            router.router.close()


def _tag(capabilities: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(capabilities)).hexdigest()[:16]
