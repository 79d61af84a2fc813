"""Runs the server by uvicorn: takes the port, says when it is ready, stops cleanly on a signal."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator

import structlog
import uvicorn
import uvloop

from rostrum.kit.connections import bounded
from rostrum.kit.quickhttp import QuickHttp
from rostrum.main import App

log = structlog.get_logger(__name__)

READY_EVERY_SECONDS = 0.1
SAME_SIGNAL_SECONDS = 1.0
"""make, timeout and terminals send one wish to stop twice: to the process and to its group."""


class PortTaken(Exception):
    """Another program listens on the port, or the address is not this host's; the text is for people."""


def bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else is started.

    Raises:
        PortTaken: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port with --port."
        ) from error
    listener.setblocking(False)
    return listener


class NeverReady(Exception):
    """The server listens and cannot serve, for example without a media worker; the text is for people."""


class Server(uvicorn.Server):
    """uvicorn, with our own way to stop: the first signal drains, a second one forces; the exit code is 0."""

    def __init__(self, app: App, on_ready: Callable[[App], None], patience: float | None) -> None:
        settings = app.services.settings
        super().__init__(
            uvicorn.Config(
                app,
                http=type(
                    "Http", (bounded(settings.body_idle_seconds), QuickHttp), {"find": staticmethod(app.doors.find)}
                ),
                ws=app.websockets,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # kit/proxy.py does it.
                timeout_graceful_shutdown=max(1, int(settings.shutdown_seconds) - 3),
                timeout_keep_alive=30,
            )
        )
        self._app = app
        self._on_ready = on_ready
        self._patience = patience
        self._announcing: asyncio.Task[None] | None = None
        self.failure = ""
        self._first_signal = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once it can serve."""
        await super().startup(sockets)
        if self.started:
            self._announcing = asyncio.create_task(self._announce())

    async def _announce(self) -> None:
        """Wait until nothing stands against serving; give up after the patience, None waits for ever."""
        waited = 0.0
        while problems := await self._app.services.problems():
            if self._patience is not None and waited >= self._patience:
                self.failure = f"The server cannot serve: {'; '.join(problems)}. `./rostrum doctor` says what to do."
                self.should_exit = True
                return
            await asyncio.sleep(READY_EVERY_SECONDS)
            waited += READY_EVERY_SECONDS
        self._on_ready(self._app)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the sockets first, then stop."""
        if self._announcing is not None:
            self._announcing.cancel()
        if not self.force_exit:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._app.services.drain()
        await super().shutdown(sockets)
        if self.force_exit:  # Requests are no longer waited for; the workers and the database still end in order.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT in the loop; unlike the base class, end with 0 and not by the signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        now = asyncio.get_running_loop().time()
        if self.should_exit and now - self._first_signal < SAME_SIGNAL_SECONDS:
            return
        self._first_signal = now
        self.force_exit = self.should_exit
        self.should_exit = True
        log.info("server.stopping", signal=signal.Signals(number).name, forced=self.force_exit)


def serve(
    make_app: Callable[[], App],
    listener: socket.socket,
    on_ready: Callable[[App], None],
    patience: float | None = None,
) -> None:
    """Serve until a signal ends it.

    Args:
        on_ready: called once, when the database answers and a media worker runs.
        patience: seconds to wait for that; None waits as long as it takes, while /readyz answers 503.

    Raises:
        NeverReady: the patience is at its end.
    """

    def ready(app: App) -> None:
        _settle_garbage()
        on_ready(app)

    async def run() -> str:
        # Made inside of the loop, since locks and queues bind themselves to it.
        server = Server(make_app(), ready, patience)
        await server.serve(sockets=[listener])
        return server.failure

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if failure := runner.run(run()):
            raise NeverReady(failure)


def _settle_garbage() -> None:
    """Look for cyclic garbage less often, and never again in what the start has made.

    Peers and consumers live long and hardly ever form garbage in cycles, while each join makes thousands of objects:
    with the defaults the collector took 15 to 20 % of a join's CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
