"""The Worker: one mediasoup-worker process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from . import ortc
from .binary import worker_binary
from .capabilities import MAX_CODECS, RtpCodecCapability
from .channel import Channel
from .emitter import Emitter
from .entity import camel, new_id
from .errors import Closed, RequestTimeout, WorkerDied, WorkerStartError
from .process import Process
from .router import Router
from .transport_parameters import ListenInfo
from .validation import choice, sequence
from .webrtc_server import WebRtcServer

log = logging.getLogger(__name__)

LogLevel = Literal["debug", "warn", "error", "none"]
LOG_LEVELS = ("debug", "warn", "error", "none")
#: Seconds that a worker gets to say that it is running, and to end when it is told to.
START_PATIENCE = 10.0
CLOSE_PATIENCE = 2.0
#: Seconds that a worker without channel gets to end by itself.
CHANNEL_PATIENCE = 0.5
#: Seconds that any request may take. The worker answers within milliseconds or not at all.
REQUEST_TIMEOUT = 8.0


class Worker(Emitter):
    """A media worker. It uses one core at most and holds routers and listening servers.

    Events: "died" (error: `WorkerDied`) when the process ended by itself, after every child was closed; "close" when it
    is over for whatever reason; "newrouter" (router), "newwebrtcserver" (server).
    """

    def __init__(self, process: Process, channel: Channel, app_data: Any) -> None:
        super().__init__()
        self.app_data = app_data
        self._process, self._channel = process, channel
        self._closed = self._died = False
        self._routers: dict[str, Router] = {}
        self._servers: dict[str, WebRtcServer] = {}
        channel.on_lost = self._channel_lost
        process.on_exit = self._process_ended

    @classmethod
    async def create(
        cls,
        binary: str | Path | None = None,
        *,
        log_level: LogLevel = "warn",
        log_tags: Sequence[str] = (),
        dtls_certificate_file: str | Path | None = None,
        dtls_private_key_file: str | Path | None = None,
        request_timeout: float = REQUEST_TIMEOUT,
        app_data: Any = None,
    ) -> Worker:
        """Starts a worker and returns when it is running.

        `binary` is found by `worker_binary()` if it is not given; `request_timeout` is in seconds. Raises
        `WorkerStartError`; its `exit_code` is 40 for a failure, 41 for a wrong environment, 42 for wrong settings.
        """
        arguments = [f"--logLevel={choice(log_level, 'log_level', LOG_LEVELS)}"]
        arguments += [f"--logTag={tag}" for tag in log_tags]
        if dtls_certificate_file:
            arguments.append(f"--dtlsCertificateFile={dtls_certificate_file}")
        if dtls_private_key_file:
            arguments.append(f"--dtlsPrivateKeyFile={dtls_private_key_file}")
        process = Process.start(binary or worker_binary(), arguments)
        try:
            channel = await Channel.open(process.to_worker, process.from_worker, request_timeout)
            try:
                await _until_running(process, channel)
            except BaseException:
                channel.abort()
                raise
        except BaseException:
            process.kill()
            raise
        worker = cls(process, channel, app_data)
        if process.exit_code is not None:
            worker._process_ended(process.exit_code)
            raise WorkerStartError("mediasoup-worker ended as soon as it was running", process.exit_code)
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def died(self) -> bool:
        """True when the process ended by itself, rather than by `close()`."""
        return self._died

    @property
    def routers(self) -> tuple[Router, ...]:
        return tuple(self._routers.values())

    @property
    def webrtc_servers(self) -> tuple[WebRtcServer, ...]:
        return tuple(self._servers.values())

    async def dump(self) -> dict[str, Any]:
        """What the worker knows of itself, in mediasoup's camelCase. Raises `Closed`, `RequestTimeout`."""
        dump: dict[str, Any] = camel(await self._channel.request("WORKER_DUMP"))
        return dump

    async def resource_usage(self) -> dict[str, int]:
        """The worker's `getrusage`: `ru_utime` and `ru_stime` in milliseconds, `ru_maxrss` in KiB, and so on."""
        usage: dict[str, int] = await self._channel.request("WORKER_GET_RESOURCE_USAGE")
        return usage

    async def update_settings(
        self, *, log_level: LogLevel | None = None, log_tags: Sequence[str] | None = None
    ) -> None:
        """Changes the log settings of the running worker."""
        level = None if log_level is None else choice(log_level, "log_level", LOG_LEVELS)
        tags = None if log_tags is None else list(log_tags)
        await self._channel.request(
            "WORKER_UPDATE_SETTINGS", body=("Worker_UpdateSettingsRequest", {"log_level": level, "log_tags": tags})
        )

    async def create_webrtc_server(self, listen_infos: Iterable[ListenInfo], *, app_data: Any = None) -> WebRtcServer:
        """Listens on the given addresses for any number of WebRTC transports.

        Raises `InvalidParameters`, `WorkerError` (an address is in use), `Closed`.
        """
        server_id = new_id()
        body = {"web_rtc_server_id": server_id, "listen_infos": [info.to_wire() for info in listen_infos]}
        close = {"web_rtc_server_id": server_id}
        await self._create(
            "WORKER_CREATE_WEBRTCSERVER",
            ("Worker_CreateWebRtcServerRequest", body),
            ("WORKER_WEBRTCSERVER_CLOSE", ("Worker_CloseWebRtcServerRequest", close)),
        )
        server = WebRtcServer(server_id, self._channel, app_data, self._servers)
        self.emit("newwebrtcserver", server)
        return server

    async def create_router(
        self, media_codecs: Iterable[RtpCodecCapability | dict[str, Any]] | None = None, *, app_data: Any = None
    ) -> Router:
        """Makes a router for the given codecs, dictionaries as in mediasoup's documentation or typed.

        Raises `InvalidParameters`, `UnsupportedParameters`, `Closed`.
        """
        given = sequence(None if media_codecs is None else list(media_codecs), "mediaCodecs", MAX_CODECS)
        capabilities = ortc.router_rtp_capabilities(
            item if isinstance(item, RtpCodecCapability) else RtpCodecCapability.from_json(item, f"mediaCodecs[{i}]")
            for i, item in enumerate(given)
        )
        router_id = new_id()
        await self._create(
            "WORKER_CREATE_ROUTER",
            ("Worker_CreateRouterRequest", {"router_id": router_id}),
            ("WORKER_CLOSE_ROUTER", ("Worker_CloseRouterRequest", {"router_id": router_id})),
        )
        router = Router(router_id, self._channel, capabilities, app_data, self._routers)
        self.emit("newrouter", router)
        return router

    def close(self) -> None:
        """Closes everything in the worker and tells the process to end. Idempotent; does not wait."""
        if self._closed:
            return
        self._closed = True
        self._channel.notify("WORKER_CLOSE")
        self._channel.close()
        self._close_children()
        self.emit("close")
        # It is killed if it does not obey, also when nobody waits for it.
        self._process.kill_after(CLOSE_PATIENCE)

    async def wait_closed(self) -> int:
        """Waits until the process is gone and reaped; kills it after two seconds. Returns its exit code."""
        return await self._process.wait(CLOSE_PATIENCE)

    async def __aenter__(self) -> Worker:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self.wait_closed()

    async def _create(self, method: str, body: tuple[str, Any], undo: tuple[str, tuple[str, Any]]) -> None:
        try:
            await self._channel.request(method, body=body)
        except (asyncio.CancelledError, RequestTimeout):
            self._channel.post(undo[0], body=undo[1])
            raise
        if self._closed:
            raise Closed("the Worker was closed meanwhile")

    def _channel_lost(self) -> None:
        # The pipe breaks a moment before the process is reaped; the reason is known only then.
        if not self._closed and self._process.exit_code is None:
            self._process.kill_after(CHANNEL_PATIENCE)

    def _process_ended(self, exit_code: int) -> None:
        self._channel.abort()
        if self._closed:
            return
        self._closed = self._died = True
        error = WorkerDied(self.pid, exit_code)
        log.error("%s", error)
        self._close_children()
        self.emit("died", error)
        self.emit("close")

    def _close_children(self) -> None:
        for router in self.routers:
            router._worker_closed()
        for server in self.webrtc_servers:
            server._worker_closed()


async def _until_running(process: Process, channel: Channel) -> None:
    running: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    channel.on_running = lambda: None if running.done() else running.set_result(None)
    either: set[asyncio.Future[Any]] = {running, process.exited}
    await asyncio.wait(either, timeout=START_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        return
    if process.exited.done():
        code = process.exited.result()
        raise WorkerStartError(f"mediasoup-worker ended with code {code} before it was running", code)
    raise WorkerStartError(f"mediasoup-worker was not running after {START_PATIENCE:g} s")
