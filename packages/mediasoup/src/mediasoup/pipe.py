"""Pipes between routers: one pair of transports for each two routers, and what keeps original and copy together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .consumer import Consumer
from .data_consumer import DataConsumer
from .data_producer import DataProducer
from .errors import InvalidParameters, MediasoupError, NotFound
from .pipe_transport import PipeTransport
from .producer import Producer
from .transport_parameters import ListenInfo

if TYPE_CHECKING:
    from .router import Router

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

    async def pipe(
        self,
        router: Router,
        producer_id: str | None,
        data_producer_id: str | None,
        listen_info: ListenInfo,
        enable_rtx: bool,
        enable_srtp: bool,
    ) -> PipeResult:
        """Pipes a producer or a data producer to `router`, once however often it is asked for."""
        if (producer_id is None) == (data_producer_id is None):
            raise InvalidParameters("either producer_id or data_producer_id must be given")
        if router is self._router:
            raise InvalidParameters("a router cannot be piped to itself")
        self._router._check_open()
        router._check_open()
        key = (router.id, str(producer_id or data_producer_id))
        task = self._results.get(key)
        if task is None:
            work = self._pipe(router, producer_id, data_producer_id, (listen_info, enable_rtx, enable_srtp))
            task = self._results[key] = asyncio.create_task(work)
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
            copy.on("close", lambda: self._results.pop(key, None) and None)

    async def _pipe(
        self,
        router: Router,
        producer_id: str | None,
        data_producer_id: str | None,
        options: tuple[ListenInfo, bool, bool],
    ) -> PipeResult:
        known = self._router._producers if producer_id is not None else self._router._data_producers
        if (producer_id or data_producer_id) not in known:
            raise NotFound("this router has no such producer")
        near, far = await self._pair(router, options)
        if producer_id is not None:
            return await _pipe_media(self._router._producers.get(producer_id), near, far)
        return await _pipe_data(self._router._data_producers.get(str(data_producer_id)), near, far)

    async def _pair(self, router: Router, options: tuple[ListenInfo, bool, bool]) -> Pair:
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


async def _connect(here: Router, there: Router, options: tuple[ListenInfo, bool, bool]) -> Pair:
    """Makes a transport in each router and connects them. Leaves nothing behind when it fails."""
    listen_info, enable_rtx, enable_srtp = options
    made: list[PipeTransport] = []
    try:
        for router in (here, there):
            made.append(
                await router.create_pipe_transport(
                    listen_info=listen_info, enable_rtx=enable_rtx, enable_srtp=enable_srtp, enable_sctp=True
                )
            )
        near, far = made
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


async def _pipe_media(producer: Producer | None, near: PipeTransport, far: PipeTransport) -> PipeResult:
    if producer is None:
        raise NotFound("the producer was closed meanwhile")
    consumer = await near.consume(producer_id=producer.id)
    try:
        copy = await far.produce(
            id=producer.id,
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


async def _pipe_data(producer: DataProducer | None, near: PipeTransport, far: PipeTransport) -> PipeResult:
    if producer is None:
        raise NotFound("the data producer was closed meanwhile")
    consumer = await near.consume_data(data_producer_id=producer.id)
    try:
        copy = await far.produce_data(
            id=producer.id,
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
