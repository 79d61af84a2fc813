"""Both observers, listening to real packets."""

from __future__ import annotations

import pytest

from mediasoup import AudioLevel, Closed, InvalidParameters, NotFound, Router

from .support import audio_source, eventually, pump, record

pytestmark = pytest.mark.anyio


async def test_volumes_and_silence(router: Router) -> None:
    observer = await router.create_audio_level_observer(max_entries=2, threshold=-70, interval=250)
    loud, send_loud = await audio_source(router)
    soft, send_soft = await audio_source(router, ssrc=7)
    for producer in (loud, soft):
        await observer.add_producer(producer.id)
    seen = record(observer, "volumes", "silence")
    for _ in range(40):
        send_loud(audio_level=10)
        send_soft(audio_level=40)
        await pump(lambda **_: None, 1, 0.02)
    await eventually(lambda: any(event == "volumes" for event, *_ in seen))
    volumes: list[AudioLevel] = next(args[0] for event, *args in seen if event == "volumes")
    assert [(entry.producer, entry.volume) for entry in volumes] == [(loud, -10), (soft, -40)]
    await eventually(lambda: seen[-1] == ("silence",))


async def test_the_dominant_speaker(router: Router) -> None:
    observer = await router.create_active_speaker_observer(interval=100)
    producer, send = await audio_source(router)
    quiet, _ = await audio_source(router, ssrc=7)
    for one in (producer, quiet):
        await observer.add_producer(one.id)
    seen = record(observer, "dominantspeaker")
    for _ in range(60):
        send(audio_level=5)
        await pump(lambda **_: None, 1, 0.02)
    await eventually(lambda: seen)
    assert seen[-1] == ("dominantspeaker", producer)


async def test_life(router: Router) -> None:
    observer = await router.create_audio_level_observer()
    producer, _ = await audio_source(router)
    await observer.add_producer(producer.id)
    await observer.pause()
    assert observer.paused
    await observer.resume()
    await observer.remove_producer(producer.id)
    with pytest.raises(NotFound):
        await observer.add_producer("unknown")
    with pytest.raises(NotFound):
        await observer.add_producer(None)  # type: ignore[arg-type]
    assert router.rtp_observers == (observer,)
    seen = record(observer, "close", "routerclose")
    observer.close()
    observer.close()
    assert seen == [("close",)] and router.rtp_observers == ()
    with pytest.raises(Closed):
        await observer.pause()
    for wrong in ({"max_entries": 0}, {"threshold": 1}, {"threshold": -128}, {"interval": 0}, {"interval": 70_000}):
        with pytest.raises(InvalidParameters):
            await router.create_audio_level_observer(**wrong)
