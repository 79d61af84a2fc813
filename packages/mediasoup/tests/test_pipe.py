"""Pipes: a producer in one router, heard in another, of the same worker or of another one."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from mediasoup import Closed, InvalidParameters, NotFound, Producer, Router, Worker

from .support import (
    CODECS,
    LOOPBACK,
    audio_parameters,
    audio_sink,
    audio_source,
    eventually,
    pump,
    record,
    video_parameters,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def far(other_worker: Worker) -> Router:
    return await other_worker.create_router(CODECS)


async def pipe(router: Router, far: Router, producer: Producer) -> Producer:
    result = await router.pipe_to_router(router=far, producer_id=producer.id)
    assert result.pipe_producer is not None and result.pipe_consumer is not None
    return result.pipe_producer


@pytest.mark.parametrize("options", [{}, {"enable_srtp": True}, {"enable_rtx": True}], ids=["plain", "srtp", "rtx"])
async def test_sound_goes_to_another_worker(router: Router, far: Router, options: dict[str, bool]) -> None:
    producer, send = await audio_source(router)
    result = await router.pipe_to_router(router=far, producer_id=producer.id, **options)
    assert result.pipe_producer and result.pipe_producer.id == producer.id
    assert result.pipe_producer.rtp_parameters.rtcp.cname == "the-sender"
    _, socket = await audio_sink(far, producer.id)
    await pump(send)
    await eventually(lambda: len(socket.rtp) == 20)
    assert all(packet.endswith(b"\xfcsound") for packet in socket.rtp)


async def test_within_one_worker_the_copy_has_its_own_id(worker: Worker, router: Router) -> None:
    near = await worker.create_router(CODECS)
    producer, send = await audio_source(router)
    copy = await pipe(router, near, producer)
    assert copy.id != producer.id
    _, socket = await audio_sink(near, copy.id)
    await pump(send)
    await eventually(lambda: len(socket.rtp) == 20)
    with pytest.raises(InvalidParameters, match="keep_id"):
        await router.pipe_to_router(router=near, producer_id=producer.id, keep_id=True)


async def test_simulcast_keeps_its_layers(router: Router, far: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    producer = await transport.produce(kind="video", rtp_parameters=video_parameters())
    copy = await pipe(router, far, producer)
    assert copy.type == "simulcast"
    assert len({encoding.ssrc for encoding in copy.rtp_parameters.encodings}) == 3


async def test_however_many_ask_at_once_there_is_one_pipe(router: Router, far: Router) -> None:
    producer, _ = await audio_source(router)
    other, _ = await audio_source(router, ssrc=7)
    results = await asyncio.gather(
        *(router.pipe_to_router(router=far, producer_id=producer.id) for _ in range(10)),
        *(router.pipe_to_router(router=far, producer_id=other.id) for _ in range(10)),
    )
    assert len({id(result.pipe_producer) for result in results}) == 2
    assert len(far.transports) == 1 and len(router.transports) == 3
    assert (await pipe(router, far, producer)) is results[0].pipe_producer
    # The same pair serves the way back.
    back, _ = await audio_source(far, ssrc=9)
    assert (await pipe(far, router, back)).id == back.id
    assert len(far.transports) == 2 and len(router.transports) == 3


async def test_both_directions_at_once_share_one_pair(router: Router, far: Router) -> None:
    one, _ = await audio_source(router)
    two, _ = await audio_source(far, ssrc=9)
    await asyncio.gather(pipe(router, far, one), pipe(far, router, two))
    assert len(far.transports) == 2 and len(router.transports) == 2


async def test_the_copy_follows_the_original(router: Router, far: Router) -> None:
    producer, _ = await audio_source(router, paused=True)
    copy = await pipe(router, far, producer)
    assert copy.paused
    await producer.resume()
    await eventually(lambda: not copy.paused)
    for _ in range(5):
        await producer.pause()
        await producer.resume()
    await producer.pause()
    await asyncio.sleep(0.1)
    assert copy.paused and (await copy.dump())["paused"]
    seen = record(copy, "close")
    producer.close()
    await eventually(lambda: seen)
    assert far.producers == ()
    with pytest.raises(NotFound):
        await pipe(router, far, producer)


async def test_the_original_may_be_paused_while_it_is_piped(router: Router, far: Router) -> None:
    producer, _ = await audio_source(router)
    task = asyncio.create_task(pipe(router, far, producer))
    await asyncio.sleep(0)
    await producer.pause()
    copy = await task
    await eventually(lambda: copy.paused)


async def test_closing_the_copy_ends_the_consumer_and_it_can_be_piped_again(router: Router, far: Router) -> None:
    producer, _ = await audio_source(router)
    result = await router.pipe_to_router(router=far, producer_id=producer.id)
    assert result.pipe_producer and result.pipe_consumer
    result.pipe_producer.close()
    assert result.pipe_consumer.closed and not producer.closed
    again = await pipe(router, far, producer)
    assert again is not result.pipe_producer and not again.closed


async def test_closing_one_end_closes_the_other(router: Router, far: Router) -> None:
    producer, _ = await audio_source(router)
    copy = await pipe(router, far, producer)
    (there,) = far.transports
    there.close()
    assert copy.closed and len(router.transports) == 1
    assert not (await pipe(router, far, producer)).closed
    far.close()
    assert len(router.transports) == 1 and not producer.closed
    with pytest.raises(Closed):
        await pipe(router, far, producer)


async def test_a_dead_worker_leaves_the_other_side_whole(router: Router, other_worker: Worker, far: Router) -> None:
    producer, send = await audio_source(router)
    copy = await pipe(router, far, producer)
    os.kill(other_worker.pid, signal.SIGKILL)
    await other_worker.wait_closed()
    assert copy.closed and not producer.closed
    await eventually(lambda: len(router.transports) == 1)
    _, socket = await audio_sink(router, producer.id)
    await pump(send)
    await eventually(lambda: len(socket.rtp) == 20)


async def test_what_cannot_be_piped(router: Router, far: Router) -> None:
    with pytest.raises(NotFound):
        await router.pipe_to_router(router=far, producer_id="unknown")
    with pytest.raises(InvalidParameters):
        await router.pipe_to_router(router=far)
    with pytest.raises(InvalidParameters):
        await router.pipe_to_router(router=router, producer_id="unknown")
    assert far.transports == ()


async def test_a_failed_attempt_leaves_nothing_behind(router: Router, far: Router) -> None:
    producer, _ = await audio_source(router)
    taken = await far.create_plain_transport(listen_info=LOOPBACK)
    await taken.produce(kind="audio", rtp_parameters=audio_parameters(5), id=producer.id)
    with pytest.raises(InvalidParameters, match="exists already"):
        await pipe(router, far, producer)
    assert (await router.dump())["mapConsumerIdProducerId"] == []
    taken.close()
    assert (await pipe(router, far, producer)).id == producer.id


async def test_messages_are_piped_too(router: Router, far: Router) -> None:
    here = await router.create_direct_transport()
    there = await far.create_direct_transport()
    source = await here.produce_data(label="chat", protocol="json")
    result = await router.pipe_to_router(router=far, data_producer_id=source.id)
    assert result.pipe_data_producer and result.pipe_data_consumer
    assert (result.pipe_data_producer.label, result.pipe_data_producer.protocol) == ("chat", "json")
    sink = await there.consume_data(data_producer_id=source.id)
    seen = record(sink, "message")
    pipe_transport = next(transport for transport in far.transports if transport is not there)
    await eventually(lambda: pipe_transport.sctp_state == "connected")
    source.send("hello")
    await eventually(lambda: seen)
    assert seen == [("message", b"hello", 51)]
    source.close()
    await eventually(lambda: sink.closed)
