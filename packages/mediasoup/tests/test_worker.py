"""The worker's process: its start, its end, and its death."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from mediasoup import (
    Closed,
    InvalidParameters,
    ListenInfo,
    MediasoupError,
    RequestTimeout,
    UnsupportedParameters,
    Worker,
    WorkerDied,
    WorkerError,
    WorkerStartError,
)

from .support import CODECS, LOOPBACK, audio_source, eventually, record

pytestmark = pytest.mark.anyio

#: A controller that ends without a word.
SCRIPT = """
import asyncio, mediasoup, os
async def main():
    print((await mediasoup.Worker.create()).pid, flush=True)
    os._exit(9)
asyncio.run(main())
"""


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_it_starts_answers_and_ends() -> None:
    worker = await Worker.create(app_data={"core": 0})
    assert (worker.closed, worker.died, worker.app_data) == (False, False, {"core": 0})
    assert (await worker.dump())["pid"] == worker.pid
    assert (await worker.resource_usage())["ru_maxrss"] > 1000
    await worker.update_settings(log_level="none", log_tags=["info", "ice"])
    seen = record(worker, "close", "died")
    worker.close()
    worker.close()
    assert await worker.wait_closed() == 0
    assert seen == [("close",)]
    assert not worker.died
    assert not is_alive(worker.pid)
    with pytest.raises(Closed):
        await worker.dump()
    with pytest.raises(Closed):
        await worker.create_router(CODECS)


async def test_nothing_is_left_behind() -> None:
    async with await Worker.create():
        pass
    await asyncio.sleep(0.05)
    before = descriptors()
    pids = []
    for _ in range(3):
        async with await Worker.create() as worker:
            await worker.create_router(CODECS)
        killed = await Worker.create()
        pids += [worker.pid, killed.pid]
        os.kill(killed.pid, signal.SIGKILL)
        await killed.wait_closed()
        with pytest.raises(WorkerStartError):
            await Worker.create("/bin/false")
    await asyncio.sleep(0.05)
    assert descriptors() == before
    assert not [pid for pid in pids if is_alive(pid)]


async def test_wrong_settings_are_told_with_their_exit_code(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError, match="settings") as caught:
        await Worker.create(dtls_certificate_file=tmp_path / "none.pem", dtls_private_key_file=tmp_path / "none.key")
    assert caught.value.exit_code == 42
    with pytest.raises(InvalidParameters, match="log_level"):
        await Worker.create(log_level="loud")  # type: ignore[arg-type]


async def test_a_missing_binary_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError, match="No such file"):
        await Worker.create(tmp_path / "nothing")


async def test_a_binary_that_does_something_else_is_told() -> None:
    with pytest.raises(WorkerStartError) as caught:
        await Worker.create("/bin/true")
    assert caught.value.exit_code == 0


async def test_the_environment_is_kept_from_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTRUM_SECRET", "hidden")
    async with await Worker.create() as worker:
        environment = Path(f"/proc/{worker.pid}/environ").read_bytes()
    assert b"hidden" not in environment
    assert b"MEDIASOUP_VERSION=3.27.1" in environment


async def test_a_killed_worker_takes_everything_with_it() -> None:
    worker = await Worker.create()
    server = await worker.create_webrtc_server([LOOPBACK])
    router = await worker.create_router(CODECS)
    transport = await router.create_webrtc_transport(webrtc_server=server)
    producer, _ = await audio_source(router)
    direct = await router.create_direct_transport()
    consumer = await direct.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    data_producer = await direct.produce_data()
    data_consumer = await direct.consume_data(data_producer_id=data_producer.id)
    observer = await router.create_audio_level_observer()
    everything: list[Any] = [
        server, router, transport, producer, direct, consumer, data_producer, data_consumer, observer,
    ]  # fmt: skip
    order = [record(item, "close") for item in everything]
    died = record(worker, "died", "close")
    pending = [asyncio.ensure_future(call) for call in (worker.dump(), router.dump(), transport.get_stats())]
    await asyncio.sleep(0)
    os.kill(worker.pid, signal.SIGKILL)
    results = await asyncio.gather(*pending, return_exceptions=True)
    assert await worker.wait_closed() == -signal.SIGKILL
    assert all(isinstance(result, Closed | dict | list) for result in results)
    assert all(item.closed for item in everything)
    assert [len(seen) for seen in order] == [1] * len(everything)
    assert [event for event, *_ in died] == ["died", "close"]
    error = died[0][1]
    assert isinstance(error, WorkerDied) and error.exit_code == -9 and error.pid == worker.pid
    assert worker.died and worker.closed
    for call in (transport.get_stats, producer.pause, consumer.resume, worker.dump, observer.pause):
        with pytest.raises(Closed):
            await call()
    for item in everything:
        item.close()


async def test_no_request_hangs_when_it_dies() -> None:
    worker = await Worker.create()
    os.kill(worker.pid, signal.SIGSTOP)
    pending = [asyncio.ensure_future(worker.dump()) for _ in range(50)]
    await asyncio.sleep(0.02)
    os.kill(worker.pid, signal.SIGKILL)
    async with asyncio.timeout(2):
        results = await asyncio.gather(*pending, return_exceptions=True)
    assert all(isinstance(result, Closed) for result in results)
    await worker.wait_closed()


async def test_a_stopped_worker_times_out_and_is_killed() -> None:
    worker = await Worker.create(request_timeout=0.2)
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(RequestTimeout) as caught:
        await worker.dump()
    assert (caught.value.method, caught.value.seconds) == ("WORKER_DUMP", 0.2)
    worker.close()
    async with asyncio.timeout(5):
        assert await worker.wait_closed() == -signal.SIGKILL


async def test_a_late_answer_is_ignored() -> None:
    worker = await Worker.create(request_timeout=0.1)
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(RequestTimeout):
        await worker.create_router(CODECS)
    os.kill(worker.pid, signal.SIGCONT)
    # Nor does the router live on that nobody knows of.
    assert (await worker.dump())["routerIds"] == []
    worker.close()
    await worker.wait_closed()


async def test_a_cancelled_request_leaves_nothing_in_the_worker(worker: Worker) -> None:
    router = await worker.create_router(CODECS)
    task = asyncio.create_task(router.create_plain_transport(listen_info=LOOPBACK))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await router.dump())["transportIds"] == []
    assert router.transports == ()


async def test_closing_meanwhile_is_an_error_not_an_orphan(worker: Worker) -> None:
    router = await worker.create_router(CODECS)
    task = asyncio.create_task(router.create_plain_transport(listen_info=LOOPBACK))
    await asyncio.sleep(0)
    router.close()
    with pytest.raises(MediasoupError):
        await task
    assert (await worker.dump())["routerIds"] == []


async def test_many_requests_at_once_are_not_mixed_up(worker: Worker) -> None:
    routers = await asyncio.gather(*(worker.create_router(CODECS) for _ in range(100)))
    dumps = await asyncio.gather(*(router.dump() for router in routers))
    assert [dump["id"] for dump in dumps] == [router.id for router in routers]


async def test_webrtc_servers_listen_where_they_are_told(worker: Worker) -> None:
    server = await worker.create_webrtc_server([ListenInfo("udp"), ListenInfo("tcp", announced_address="example.org")])
    dump = await server.dump()
    assert dump["id"] == server.id
    port = dump["udpSockets"][0]["port"]
    assert dump["tcpServers"][0]["ip"] == "127.0.0.1"
    with pytest.raises(WorkerError, match=r"WORKER_CREATE_WEBRTCSERVER"):
        await worker.create_webrtc_server([ListenInfo("udp", port=port)])
    for wrong in (ListenInfo(ip="nowhere"), ListenInfo(port=70000), ListenInfo(protocol="sctp")):  # type: ignore[arg-type]
        with pytest.raises(InvalidParameters):
            await worker.create_webrtc_server([wrong])


async def test_closing_a_webrtc_server_closes_its_transports(worker: Worker) -> None:
    server = await worker.create_webrtc_server([LOOPBACK])
    router = await worker.create_router(CODECS)
    transports = [await router.create_webrtc_transport(webrtc_server=server) for _ in range(2)]
    seen = [record(transport, "listenserverclose", "close", "routerclose") for transport in transports]
    assert server.transports == tuple(transports)
    server.close()
    server.close()
    assert seen == [[("listenserverclose",), ("close",)]] * 2
    assert router.transports == () and worker.webrtc_servers == ()
    assert (await router.dump())["transportIds"] == []
    with pytest.raises(Closed):
        await router.create_webrtc_transport(webrtc_server=server)


async def test_unknown_codecs_are_refused(worker: Worker) -> None:
    with pytest.raises(UnsupportedParameters, match="audio/mp3"):
        await worker.create_router([{"mimeType": "audio/mp3", "clockRate": 44100}])
    with pytest.raises(InvalidParameters, match="clockRate"):
        await worker.create_router([{"mimeType": "audio/opus"}])
    with pytest.raises(InvalidParameters, match="more than once"):
        await worker.create_router([{**codec, "preferredPayloadType": 100} for codec in CODECS[:2]])


async def test_a_callback_that_raises_disturbs_nobody(worker: Worker) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("expected")

    worker.on("newrouter", fail)
    seen = record(worker, "newrouter")
    once: list[object] = []
    worker.once("newrouter", once.append)
    off = worker.on("newrouter", once.append)
    off()
    router = await worker.create_router(CODECS)
    await worker.create_router(CODECS)
    assert seen[0] == ("newrouter", router) and len(seen) == 2
    assert once == [router]


async def test_the_worker_ends_when_its_controller_does() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    pid = int(output)

    def gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    await eventually(gone)
