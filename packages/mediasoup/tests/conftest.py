"""A real worker for every test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mediasoup import Router, WebRtcServer, Worker

from .support import CODECS, LOOPBACK


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = await Worker.create()
    yield worker
    worker.close()
    await worker.wait_closed()


@pytest.fixture
async def other_worker() -> AsyncIterator[Worker]:
    worker = await Worker.create()
    yield worker
    worker.close()
    await worker.wait_closed()


@pytest.fixture
async def router(worker: Worker) -> Router:
    return await worker.create_router(CODECS)


@pytest.fixture
async def server(worker: Worker) -> WebRtcServer:
    return await worker.create_webrtc_server([LOOPBACK])
