"""The pool of media workers: one a core, each with its port, watched and replaced when it dies or hangs."""

import asyncio
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from mediasoup import ListenInfo, MediasoupError, WebRtcServer, Worker, WorkerStartError
from mediasoup.worker import LogLevel

from rostrum.kit.clock import monotonic
from rostrum.sfu.errors import MediaRestarting

log = structlog.get_logger(__name__)

STARTS_PER_MINUTE = 5
HEARTBEAT_SECONDS = 1.0
HEARTBEAT_PATIENCE = 3.5
WAIT_SECONDS = 2.0


@dataclass(eq=False, slots=True)
class MediaWorker:
    """A running worker. `load` counts the consumers that it carries or is expected to carry."""

    index: int
    worker: Worker
    server: WebRtcServer
    load: int = 0
    routers: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alive(self) -> bool:
        """Whether it can take work."""
        return not self.worker.closed and not self.ended.is_set()


class WorkerPool:
    """Keeps `count` workers running.

    A worker that dies is replaced at once; one that dies again and again waits longer each time and is started at most
    five times a minute. A worker that does not answer for 3.5 s is killed and so replaced.

    Args:
        port: UDP and TCP port of the first worker; 0 takes free ones.
        addresses: IP addresses to listen on; "auto" is 127.0.0.1 and the host's primary one.
        announced: what clients are told instead of the primary address, or "".
    """

    def __init__(
        self,
        *,
        count: int,
        binary: Path | None,
        port: int,
        addresses: Sequence[str],
        announced: str,
        log_level: LogLevel = "warn",
    ) -> None:
        self.count = count
        self._binary = binary
        self._port = port
        self._addresses = resolve_addresses(addresses)
        self._announced = announced
        self._log_level: LogLevel = log_level
        self._workers: dict[int, MediaWorker] = {}
        self._deaths: list[Callable[[MediaWorker], None]] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._arrival = asyncio.Event()
        self.last_error = ""

    def on_death(self, callback: Callable[[MediaWorker], None]) -> None:
        """Call back at once when a worker has died."""
        self._deaths.append(callback)

    @property
    def workers(self) -> list[MediaWorker]:
        """The workers that run now."""
        return [worker for worker in self._workers.values() if worker.alive]

    async def start(self) -> None:
        """Start the workers and wait until each has run or failed once."""
        firsts = [asyncio.get_running_loop().create_future() for _ in range(self.count)]
        self._keepers = [asyncio.create_task(self._keep(index, first)) for index, first in enumerate(firsts)]
        await asyncio.gather(*firsts)

    async def close(self) -> None:
        """End all workers and wait until they are gone."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        ending = [media.worker for media in self._workers.values()]
        for worker in ending:
            worker.close()
        await asyncio.gather(*(worker.wait_closed() for worker in ending), return_exceptions=True)
        self._workers.clear()

    async def least_loaded(self, exclude: Sequence[MediaWorker] = ()) -> MediaWorker:
        """The worker with the least to do; waits a moment for one if all are restarting.

        Raises:
            MediaRestarting: none came up in time.
        """
        deadline = monotonic() + WAIT_SECONDS
        while not self.workers:
            self._arrival.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, deadline - monotonic())):
                    await self._arrival.wait()
            if monotonic() >= deadline and not self.workers:
                raise MediaRestarting(retry_after=1)
        candidates = [worker for worker in self.workers if worker not in exclude] or self.workers
        return min(candidates, key=lambda worker: (worker.load, worker.routers, worker.index))

    async def _keep(self, index: int, first: "asyncio.Future[None]") -> None:
        """Keep one place of the pool filled, for ever."""
        starts: deque[float] = deque(maxlen=STARTS_PER_MINUTE)
        failures = 0
        while True:
            await asyncio.sleep(_pause(starts, failures))
            starts.append(monotonic())
            try:
                media = await self._start(index)
            except (MediasoupError, OSError) as error:
                failures += 1
                self.last_error = str(error)
                log.error("media.worker_failed_to_start", index=index, error=str(error), failures=failures)
                _done(first)
                continue
            _done(first)
            await self._watch(media)
            # One that has run for a while has earned an immediate restart.
            failures = 0 if monotonic() - starts[-1] > 10 else failures + 1

    async def _start(self, index: int) -> MediaWorker:
        worker = await Worker.create(self._binary, log_level=self._log_level)
        try:
            server = await worker.create_webrtc_server(self._listen_infos(index))
        except BaseException:
            worker.close()
            raise
        media = MediaWorker(index, worker, server)
        worker.on("died", lambda error: self._died(media, error))
        if worker.closed:
            raise WorkerStartError("the worker ended as soon as it was running")
        self._workers[index] = media
        self._arrival.set()
        log.info("media.worker_started", index=index, pid=worker.pid)
        return media

    def _died(self, media: MediaWorker, error: object) -> None:
        log.error("media.worker_died", index=media.index, pid=media.worker.pid, error=str(error))
        media.ended.set()
        if self._workers.get(media.index) is media:
            del self._workers[media.index]
        for callback in self._deaths:
            try:
                callback(media)
            except Exception:
                log.exception("media.death_callback_failed")

    async def _watch(self, media: MediaWorker) -> None:
        """Return when the worker has ended; kill it when it hangs."""
        while not media.ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await media.ended.wait()
                return
            try:
                async with asyncio.timeout(HEARTBEAT_PATIENCE):
                    await media.worker.resource_usage()
            except TimeoutError:
                log.error("media.worker_hangs", index=media.index, pid=media.worker.pid)
                with suppress(ProcessLookupError):
                    os.kill(media.worker.pid, signal.SIGKILL)
                await media.ended.wait()
            except MediasoupError:
                await media.ended.wait()

    def _listen_infos(self, index: int) -> list[ListenInfo]:
        port = self._port + index if self._port else 0
        infos = []
        for address in self._addresses:
            announced = self._announced if self._announced and not _is_loopback(address) else None
            infos += [ListenInfo(protocol, address, announced, port) for protocol in ("udp", "tcp")]
        return infos


def _pause(starts: "deque[float]", failures: int) -> float:
    """Seconds to wait before the next start: doubling from 0.2 s, and never more than five starts in a minute."""
    backoff = min(10.0, 0.2 * 2.0 ** (failures - 2)) if failures > 1 else 0.0
    window = starts[0] + 60 - monotonic() if len(starts) == STARTS_PER_MINUTE else 0.0
    return max(backoff, window, 0.0)


def _done(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def resolve_addresses(addresses: Sequence[str]) -> list[str]:
    """The addresses to listen on, "auto" replaced, the primary one first: browsers try it first."""
    resolved: list[str] = []
    for address in addresses:
        resolved += [primary_address(), "127.0.0.1"] if address == "auto" else [address]
    return [address for address in dict.fromkeys(resolved) if address]


def primary_address() -> str:
    """The address that this host uses towards the network, "" without a network. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])
