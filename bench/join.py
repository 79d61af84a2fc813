"""P3: viewers join with the documented events; joins per CPU-second of the control plane, media workers not counted.

Rostrum (guests with a publishable key, database and all) beside a Node server with socket.io and npm's mediasoup on the
same engine (no keys, all in memory), the same client, the same events. `python -m bench.join [--quick]`
"""

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.kit import node_peer
from bench.kit.process import Pinned, cpu_seconds, pin_load
from bench.kit.results import Pairs
from bench.kit.rtc_fixtures import DTLS, audio_rtp, capabilities_of_a_browser, video_rtp
from bench.kit.socketio_load import LoadClient

OUR_PORT, OUR_MEDIA_PORT, NODE_PORT, NODE_MEDIA_PORT = 25910, 25911, 25930, 25931
AT_ONCE = 8
SETTLE_SECONDS = 3.0


@dataclass(frozen=True)
class Size:
    """How much a round does."""

    rooms: int
    viewers: int
    pairs: int


FULL = Size(rooms=16, viewers=25, pairs=5)
QUICK = Size(rooms=2, viewers=5, pairs=2)


@dataclass(frozen=True)
class Target:
    """One of the two servers."""

    name: str
    url: str
    pid: int
    host_auth: dict[str, str]
    viewer_auth: dict[str, str]


class Room:
    """One room with a host who sends sound and simulcast video, and the viewers who have joined."""

    def __init__(self, target: Target, room_id: str) -> None:
        self._target = target
        self._id = room_id
        self._producers: set[str] = set()
        self._viewers: list[LoadClient] = []
        self._consumers: set[str] = set()

    async def open(self) -> None:
        """Let the host in; not measured."""
        self._host = await LoadClient.open(self._target.url, self._target.host_auth)
        await self._host.request("createRoom", {"room_id": self._id})
        await self._host.request("join", {"room_id": self._id, "name": "Host"})
        transport = await self._host.request("createWebRtcTransport", {"direction": "send"})
        await self._host.request("connectTransport", {"transport_id": transport["id"], "dtlsParameters": DTLS})
        for kind, rtp, source in (("audio", audio_rtp(), "mic"), ("video", video_rtp(), "camera")):
            body = {"producerTransportId": transport["id"], "kind": kind, "rtpParameters": rtp}
            made = await self._host.request("produce", {**body, "appData": {"type": source}})
            self._producers.add(made["producer_id"])

    async def join(self, number: int) -> None:
        """One viewer's whole join. Raises AssertionError when an answer is wrong."""
        viewer = await LoadClient.open(self._target.url, self._target.viewer_auth)
        self._viewers.append(viewer)
        assert (await viewer.request("createRoom", {"room_id": self._id}))["created"] is False
        joined = await viewer.request("join", {"room_id": self._id, "name": f"Viewer {number}"})
        assert any(peer["name"] == "Host" for peer in joined["peers"]), joined["peers"]
        capabilities = capabilities_of_a_browser(await viewer.request("getRouterRtpCapabilities", {}))
        await viewer.request("createWebRtcTransport", {"direction": "send"})
        receiving = await viewer.request("createWebRtcTransport", {"direction": "recv"})
        assert receiving["iceCandidates"] and receiving["dtlsParameters"]["fingerprints"]
        connected = {"transport_id": receiving["id"], "dtlsParameters": DTLS}
        assert await viewer.request("connectTransport", connected) == "success"
        listed = await viewer.request("getProducers", {})
        assert {one["producer_id"] for one in listed} == self._producers, listed
        for producer_id in sorted(self._producers):
            body = {"consumerTransportId": receiving["id"], "producerId": producer_id, "rtpCapabilities": capabilities}
            await self._consume(viewer, body)

    async def _consume(self, viewer: LoadClient, body: dict[str, Any]) -> None:
        consumer = await viewer.request("consume", body)
        expected = "audio/opus" if consumer["kind"] == "audio" else "video/VP8"
        assert consumer["producerId"] == body["producerId"]
        assert consumer["rtpParameters"]["codecs"][0]["mimeType"] == expected, consumer
        assert consumer["id"] not in self._consumers
        self._consumers.add(consumer["id"])
        resumed = await viewer.request("resume", {"consumer_id": consumer["id"]})
        assert consumer["id"] in resumed["resumed"], resumed

    async def heard(self, viewers: int) -> None:
        """Assert that the host was told of each viewer exactly once."""
        told = [body["name"] for event, body in self._host.events if event == "peerJoined"]
        assert sorted(told) == sorted(f"Viewer {number}" for number in range(viewers)), told

    async def close(self) -> None:
        """Everybody leaves; not measured."""
        for client in [*self._viewers, self._host]:
            await client.request("exitRoom", {})
            await client.close()


async def measure(target: Target, size: Size, round_number: int) -> float:
    """Joins per CPU-second of one round; 0 when any answer was wrong."""
    rooms = [Room(target, f"bench-{round_number}-{number}") for number in range(size.rooms)]
    for room in rooms:
        await room.open()
    await asyncio.sleep(0.5)
    free = asyncio.Semaphore(AT_ONCE)

    async def one(room: Room, number: int) -> None:
        async with free:
            await room.join(number)

    before = cpu_seconds(target.pid)
    joins = [one(room, number) for number in range(size.viewers) for room in rooms]
    failures = [failure for failure in await asyncio.gather(*joins, return_exceptions=True) if failure]
    await asyncio.sleep(0.5)
    used = cpu_seconds(target.pid) - before
    try:
        assert not failures, failures[0]
        for room in rooms:
            await room.heard(size.viewers)
    except AssertionError as wrong:
        print(f"  {target.name} answered wrongly, which counts as zero: {wrong!r}"[:500], flush=True)
        return 0.0
    finally:
        for room in rooms:
            await room.close()
        await asyncio.sleep(SETTLE_SECONDS)
    return len(joins) / used


async def compare(ours: Target, peer: Target, size: Size) -> Pairs:
    """Warm both up, then measure them in turn."""
    for target in (ours, peer):
        await measure(target, size, 0)
    pairs = Pairs()
    for number in range(1, size.pairs + 1):
        for target, into in ((ours, pairs.ours), (peer, pairs.peer)):
            into.append(await measure(target, size, number))
        print(f"  pair {number}: ours {pairs.ours[-1]:.0f}, peer {pairs.peer[-1]:.0f} joins/CPU-s", flush=True)
    return pairs


def _start_ours(data: Path) -> tuple[Pinned, Target]:
    settings = {
        "ROSTRUM_MEDIA_PORT": str(OUR_MEDIA_PORT),
        "ROSTRUM_MEDIA_ADDRESSES": "127.0.0.1",
        "ROSTRUM_MEDIA_WORKERS": "1",
        "ROSTRUM_CONSUMERS_PER_WORKER": "100000",
        "ROSTRUM_LOG_LEVEL": "warning",
        # Leaving is not measured: rooms that a round leaves behind shall be over before the next one begins.
        "ROSTRUM_PEER_GRACE_SECONDS": "1",
    }
    command = ["./rostrum", "demo", "--json", "--port", str(OUR_PORT), "--data-dir", str(data / "rostrum")]
    server = Pinned(command, data / "ours.log", settings)
    told = server.told
    host = {"apiKey": told["publishableKey"], "token": told["hostToken"]}
    return server, Target("ours", told["url"], server.pid, host, {"apiKey": told["publishableKey"]})


def _start_peer(data: Path) -> tuple[Pinned, Target]:
    node_peer.installed()
    arguments = ["--port", str(NODE_PORT), "--media-port", str(NODE_MEDIA_PORT)]
    server = Pinned(node_peer.command("server.js", *arguments), data / "peer.log", node_peer.settings())
    return server, Target("peer", server.told["url"], server.pid, {}, {})


def main() -> None:
    """Run the benchmark and write its row."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a small run that writes no row")
    quick = arguments.parse_known_args()[0].quick
    size = QUICK if quick else FULL
    pin_load()
    data = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    began = time.monotonic()
    running: list[tuple[Pinned, Target]] = []
    try:
        running.append(_start_ours(data))
        running.append(_start_peer(data))
        pairs = asyncio.run(compare(running[0][1], running[1][1], size))
    finally:
        for server, _ in running:
            server.stop()
        shutil.rmtree(data)
    versions = f"python-socketio {version('python-socketio')}, {node_peer.versions()}, engine 3.27.1"
    what = f"join by the documented events, {size.rooms} rooms of {size.viewers} viewers"
    row = pairs.row("P3", what, "joins/CPU-s", "≥ 1.0", versions)
    if quick:
        print(row, f"{time.monotonic() - began:.0f} s, on {os.cpu_count()} cores")
    else:
        row.write()


if __name__ == "__main__":
    main()
