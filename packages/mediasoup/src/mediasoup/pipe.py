"""Pipes between routers: one pair of transports for each two routers, and what keeps original and copy together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .consumer import Consumer
from .data_consumer import DataConsumer
from .data_producer import DataProducer
from .errors import MediasoupError, NotFound
from .pipe_transport import PipeTransport
from .producer import Producer
from .transport_parameters import ListenInfo

if TYPE_CHECKING:
    from .router import Router


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be piped: one of the two ids, and whether the copy is to have the same."""

    producer_id: str | None
    data_producer_id: str | None
    keep_id: bool


@dataclass(frozen=True, slots=True)
class PipeOptions:
    """How two routers are connected. Both ends listen on `listen_info`."""

    listen_info: ListenInfo
    enable_rtx: bool = False
    enable_srtp: bool = False


Pair = tuple[PipeTransport, PipeTransport]


@dataclass(frozen=True, slots=True)
class PipeResult:
    """The two halves of a piped stream: the consumer in the original router, the producer in the other one."""

    pipe_consumer: Consumer | None = None
    pipe_producer: Producer | None = None
    pipe_data_consumer: DataConsumer | None = None
    pipe_data_producer: DataProducer | None = None


class Pipes:
    """The pipes of one router, by the id of the router at their other end."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._pairs: dict[str, asyncio.Task[Pair]] = {}
        self._results: dict[tuple[str, str], asyncio.Task[PipeResult]] = {}

    async def pipe(self, router: Router, source: Source, options: PipeOptions) -> PipeResult:
        """Pipes a producer or a data producer to `router`, once however often it is asked for."""
        self._router._check_open()
        router._check_open()
        key = (router.id, str(source.producer_id or source.data_producer_id))
        task = self._results.get(key)
        if task is None:
            task = self._results[key] = asyncio.create_task(self._pipe(router, source, options))
            task.add_done_callback(lambda done: self._remember(key, done))
        # Shielded, for others may wait for the same; and if all go away, it is finished rather than left half done.
        return await asyncio.shield(task)

    def _remember(self, key: tuple[str, str], task: asyncio.Task[PipeResult]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._results.pop(key, None)
            return
        result = task.result()
        copy = result.pipe_producer or result.pipe_data_producer
        assert copy is not None
        if copy.closed:
            self._results.pop(key, None)
        else:
            copy.on("close", lambda: self._forget(key))

    def _forget(self, key: tuple[str, str]) -> None:
        self._results.pop(key, None)

    async def _pipe(self, router: Router, source: Source, options: PipeOptions) -> PipeResult:
        media = self._router._producers.get(source.producer_id or "")
        data = self._router._data_producers.get(source.data_producer_id or "")
        if media is None and data is None:
            raise NotFound("this router has no such producer")
        near, far = await self._pair(router, options)
        if media is not None:
            return await _pipe_media(media, near, far, source.keep_id)
        assert data is not None
        return await _pipe_data(data, near, far, source.keep_id)

    async def _pair(self, router: Router, options: PipeOptions) -> Pair:
        task = self._pairs.get(router.id)
        if task is None:
            task = asyncio.create_task(_connect(self._router, router, options))
            self._pairs[router.id] = task
            # The same pair serves the other direction.
            router._pipes._pairs[self._router.id] = asyncio.create_task(_swapped(task))
            task.add_done_callback(lambda done: self._watch(router, done))
        return await asyncio.shield(task)

    def _watch(self, router: Router, task: asyncio.Task[Pair]) -> None:
        def forget() -> None:
            self._pairs.pop(router.id, None)
            router._pipes._pairs.pop(self._router.id, None)

        if task.cancelled() or task.exception() is not None:
            forget()
            return
        near, far = task.result()
        for one, other in ((near, far), (far, near)):
            one.on("close", other.close)
            one.on("close", forget)
        if near.closed or far.closed:
            near.close()
            far.close()
            forget()


async def _swapped(task: asyncio.Task[Pair]) -> Pair:
    near, far = await asyncio.shield(task)
    return far, near


async def _connect(here: Router, there: Router, options: PipeOptions) -> Pair:
    """Makes a transport in each router and connects them. Leaves nothing behind when it fails."""
    settings = {"enable_rtx": options.enable_rtx, "enable_srtp": options.enable_srtp, "enable_sctp": True}
    made: list[PipeTransport] = []
    try:
        near = await here.create_pipe_transport(listen_info=options.listen_info, **settings)
        made.append(near)
        far = await there.create_pipe_transport(listen_info=options.listen_info, **settings)
        made.append(far)
        await _introduce(near, far)
        await _introduce(far, near)
    except BaseException:
        for transport in made:
            transport.close()
        raise
    return near, far


async def _introduce(one: PipeTransport, other: PipeTransport) -> None:
    srtp = other.srtp_parameters
    await one.connect(ip=other.tuple.local_address, port=other.tuple.local_port, srtp_parameters=srtp)


async def _pipe_media(producer: Producer, near: PipeTransport, far: PipeTransport, keep_id: bool) -> PipeResult:
    consumer = await near.consume(producer_id=producer.id)
    try:
        copy = await far.produce(
            id=producer.id if keep_id else None,
            kind=consumer.kind,
            rtp_parameters=consumer.rtp_parameters,
            paused=consumer.producer_paused,
            app_data=producer.app_data,
        )
    except BaseException:
        consumer.close()
        raise
    keeper = _Keeper(consumer, copy)
    consumer.on("close", copy.close)
    copy.on("close", consumer.close)
    consumer.on("pause", keeper.follow)
    consumer.on("resume", keeper.follow)
    if consumer.closed:
        copy.close()
        raise NotFound("the producer was closed meanwhile")
    keeper.follow()
    return PipeResult(consumer, copy)


async def _pipe_data(producer: DataProducer, near: PipeTransport, far: PipeTransport, keep_id: bool) -> PipeResult:
    consumer = await near.consume_data(data_producer_id=producer.id)
    try:
        copy = await far.produce_data(
            id=producer.id if keep_id else None,
            sctp_stream_parameters=consumer.sctp_stream_parameters,
            label=consumer.label,
            protocol=consumer.protocol,
            app_data=producer.app_data,
        )
    except BaseException:
        consumer.close()
        raise
    consumer.on("close", copy.close)
    copy.on("close", consumer.close)
    if consumer.closed:
        copy.close()
        raise NotFound("the data producer was closed meanwhile")
    return PipeResult(pipe_data_consumer=consumer, pipe_data_producer=copy)


class _Keeper:
    """Keeps the copy paused exactly while the original is, one request after the other."""

    def __init__(self, consumer: Consumer, copy: Producer) -> None:
        self._consumer, self._copy = consumer, copy
        self._task: asyncio.Task[None] | None = None

    def follow(self) -> None:
        if self._task is None and self._copy.paused != self._wanted:
            self._task = asyncio.create_task(self._follow())

    @property
    def _wanted(self) -> bool:
        return self._consumer.producer_paused or self._consumer.paused

    async def _follow(self) -> None:
        try:
            while not self._copy.closed and self._copy.paused != self._wanted:
                await (self._copy.pause() if self._wanted else self._copy.resume())
        except MediasoupError:
            # The worker is gone or stuck; closing is on its way by other means.
            pass
        finally:
            self._task = None
