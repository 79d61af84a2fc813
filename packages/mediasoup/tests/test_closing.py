"""CLOSING.md, line by line: who is told what, and in which order."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from mediasoup import Router, Worker

from .support import CODECS, LOOPBACK, audio_sink, audio_source, eventually

pytestmark = pytest.mark.anyio

REASONS = ("died", "workerclose", "routerclose", "listenserverclose", "transportclose", "producerclose")
MORE_REASONS = ("dataproducerclose", "close")


class House:
    """One of everything: sound from `source` to `sink`, messages on `direct`, a pipe to another worker."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self.things: dict[str, Any] = {}

    @classmethod
    async def build(cls, worker: Worker, other: Worker) -> House:
        self = cls()
        router, far = await worker.create_router(CODECS), await other.create_router(CODECS)
        server = await worker.create_webrtc_server([LOOPBACK])
        browser = await router.create_webrtc_transport(webrtc_server=server)
        producer, _ = await audio_source(router)
        source = next(transport for transport in router.transports if transport is not browser)
        consumer, _ = await audio_sink(router, producer.id)
        sink = router.transports[-1]
        watching = await browser.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
        direct = await router.create_direct_transport()
        data_producer = await direct.produce_data()
        data_consumer = await direct.consume_data(data_producer_id=data_producer.id)
        observer = await router.create_audio_level_observer()
        pipe = await router.pipe_to_router(router=far, producer_id=producer.id)
        self.things = {
            "worker": worker, "server": server, "router": router, "browser": browser, "source": source, "sink": sink,
            "producer": producer, "consumer": consumer, "watching": watching, "direct": direct, "observer": observer,
            "data_producer": data_producer, "data_consumer": data_consumer, "copy": pipe.pipe_producer,
        }  # fmt: skip
        for name, thing in self.things.items():
            for reason in (*REASONS, *MORE_REASONS):
                thing.on(reason, self._note(name, reason))
        return self

    def _note(self, name: str, reason: str) -> Callable[..., None]:
        def note(*_: object) -> None:
            assert self.things[name].closed
            self.log.append((name, reason))

        return note

    def reasons(self) -> dict[str, list[str]]:
        told: dict[str, list[str]] = {}
        for name, reason in self.log:
            told.setdefault(name, []).append(reason)
        return told

    async def told(self, expected: dict[str, list[str]]) -> None:
        await eventually(lambda: len(self.log) >= sum(len(reasons) for reasons in expected.values()))
        assert self.reasons() == expected

    def before(self, first: str, then: str) -> bool:
        return self.log.index((first, "close")) < self.log.index((then, "close"))


@pytest.fixture
async def house(worker: Worker, other_worker: Worker) -> House:
    return await House.build(worker, other_worker)


def because(reason: str, *names: str) -> dict[str, list[str]]:
    return {name: [reason, "close"] for name in names}


ROUTER_ENDS = {
    **because("routerclose", "browser", "source", "sink", "direct", "observer"),
    **because("transportclose", "producer", "consumer", "watching", "data_producer", "data_consumer"),
    # Its source is gone, so it is closed; and so is the pipe at its side.
    "copy": ["close"],
}


async def test_the_worker_is_closed(house: House) -> None:
    house.things["worker"].close()
    await house.told({"worker": ["close"], **because("workerclose", "server", "router"), **ROUTER_ENDS})
    for child in ("router", "server", "producer", "observer"):
        assert house.before(child, "worker")


async def test_the_worker_dies(house: House) -> None:
    os.kill(house.things["worker"].pid, signal.SIGKILL)
    await house.told({"worker": ["died", "close"], **because("workerclose", "server", "router"), **ROUTER_ENDS})
    assert house.log[-2:] == [("worker", "died"), ("worker", "close")]
    await house.things["worker"].wait_closed()


async def test_the_router_is_closed(house: House) -> None:
    house.things["router"].close()
    await house.told({"router": ["close"], **ROUTER_ENDS})
    assert house.before("producer", "source") and house.before("source", "router")


async def test_the_server_is_closed(house: House) -> None:
    house.things["server"].close()
    await house.told(
        {"server": ["close"], **because("listenserverclose", "browser"), **because("transportclose", "watching")}
    )


async def test_a_transport_is_closed(house: House) -> None:
    house.things["source"].close()
    await house.told(
        {
            "source": ["close"],
            **because("transportclose", "producer"),
            **because("producerclose", "consumer", "watching"),
            "copy": ["close"],
        }
    )
    assert [name for name, _ in house.log][:2] == ["producer", "producer"]


async def test_a_producer_is_closed(house: House) -> None:
    house.things["producer"].close()
    await house.told({"producer": ["close"], **because("producerclose", "consumer", "watching"), "copy": ["close"]})


async def test_a_data_producer_is_closed(house: House) -> None:
    house.things["data_producer"].close()
    await house.told({"data_producer": ["close"], **because("dataproducerclose", "data_consumer")})


@pytest.mark.parametrize("name", ["consumer", "data_consumer", "observer", "copy"])
async def test_a_leaf_is_closed(house: House, name: str) -> None:
    house.things[name].close()
    house.things[name].close()
    await house.told({name: ["close"]})


async def test_what_is_closed_says_nothing_more(house: House, worker: Worker, router: Router) -> None:
    house.things["consumer"].close()
    house.log.clear()
    house.things["router"].close()
    worker.close()
    assert "consumer" not in house.reasons()
    assert [entry for entry in house.log if entry[0] == "router"] == [("router", "close")]
