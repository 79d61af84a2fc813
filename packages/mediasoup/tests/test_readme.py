"""The worked example of the README works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .support import DTLS, audio_parameters

pytestmark = pytest.mark.anyio

README = Path(__file__).parents[1] / "README.md"


async def test_the_example() -> None:
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code is not None
    sent: list[tuple[str, Any]] = []
    example: dict[str, Any] = {"send": lambda name, message: sent.append((name, json.loads(json.dumps(message))))}
    exec(code[1].replace("port=44400", "port=0"), example)
    worker, server, router, upstream = await example["main"]()
    try:
        capabilities, transport = (message for _, message in sent)
        assert transport["id"] == upstream.id and len(transport["iceCandidates"]) == 2
        await example["on_connect"](upstream, {"dtlsParameters": DTLS})
        produce = {"kind": "audio", "rtpParameters": audio_parameters()}
        producer_id = await example["on_produce"](upstream, produce)
        downstream = await router.create_webrtc_transport(webrtc_server=server)
        consumer = await example["on_consume"](router, downstream, producer_id, capabilities)
        assert consumer["producerId"] == producer_id and consumer["rtpParameters"]["encodings"][0]["ssrc"]
        assert await example["on_consume"](router, downstream, producer_id, {"codecs": []}) is None
        await example["on_ready"](downstream.consumers[0])
        assert not downstream.consumers[0].paused
    finally:
        worker.close()
        await worker.wait_closed()
