"""Joins per CPU-second of the control plane, media workers not counted.

P3: viewers join with the documented events, Rostrum (guests with a publishable key, database and all) beside a Node
server with socket.io and npm's mediasoup on the same engine (no keys, all in memory). `python -m bench.join [--quick]`

P4: the same viewers with media in the answer to `join`, as our SDK asks for it, beside the documented events of the
same server. `python -m bench.join --one-shot [--first-visit] [--quick]`
"""

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.kit import node_peer
from bench.kit.process import Pinned, cpu_seconds, pin_load
from bench.kit.results import Pairs, Row
from bench.kit.rostrum import auths, demo
from bench.kit.rtc_fixtures import DTLS, audio_rtp, capabilities_of_a_browser, video_rtp
from bench.kit.socketio_load import LoadClient

NODE_PORT, NODE_MEDIA_PORT = 25930, 25931
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


Known = dict[str, Any]
"""The tag of the router's capabilities and what a browser makes of them: what the SDK remembers of an earlier visit."""


@dataclass(frozen=True)
class Target:
    """One of the two servers, or ways to join."""

    name: str
    url: str
    pid: int
    host_auth: dict[str, str]
    viewer_auth: dict[str, str]
    one_shot: bool = False
    known: Known | None = None


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
        if self._target.one_shot:
            await self._join_at_once(viewer, number)
        else:
            await self._join_by_events(viewer, number)

    async def _join_at_once(self, viewer: LoadClient, number: int) -> None:
        """What the SDK does: what it asks side by side is one round trip."""
        known = self._target.known
        media = {"recv": True, **(known or {})}
        joined = await viewer.request("join", {"room_id": self._id, "name": f"Viewer {number}", "media": media})
        assert any(peer["name"] == "Host" for peer in joined["peers"]), joined["peers"]
        brought = joined["media"]
        receiving = brought["recvTransport"]
        assert receiving["iceCandidates"] and receiving["dtlsParameters"]["fingerprints"]
        assert {one["producer_id"] for one in brought["producers"]} == self._producers, brought
        connect = {"transport_id": receiving["id"], "dtlsParameters": DTLS}
        if known is not None:
            assert "routerRtpCapabilities" not in brought
            ids = [self._check(one, one["producerId"]) for one in brought["consumers"]]
            assert len(ids) == len(self._producers) and not any(one["paused"] for one in brought["consumers"])
            assert await viewer.request("connectTransport", connect) == "success"
            return
        capabilities = capabilities_of_a_browser(brought["routerRtpCapabilities"])
        body = {"consumerTransportId": receiving["id"], "rtpCapabilities": capabilities, "paused": True}
        consumes = [viewer.request("consume", {**body, "producerId": one}) for one in sorted(self._producers)]
        made = await asyncio.gather(*consumes)
        ids = [self._check(one, wanted) for one, wanted in zip(made, sorted(self._producers), strict=True)]
        connected = viewer.request("connectTransport", connect)
        answers = await asyncio.gather(connected, *(viewer.request("resume", {"consumer_id": one}) for one in ids))
        assert answers == ["success", *({"resumed": [one]} for one in ids)], answers

    async def _join_by_events(self, viewer: LoadClient, number: int) -> None:
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
        consumer_id = self._check(await viewer.request("consume", body), body["producerId"])
        resumed = await viewer.request("resume", {"consumer_id": consumer_id})
        assert consumer_id in resumed["resumed"], resumed

    def _check(self, consumer: dict[str, Any], producer_id: str) -> str:
        """Assert that it is a consumer of the producer, and a new one; its id."""
        expected = "audio/opus" if consumer["kind"] == "audio" else "video/VP8"
        assert consumer["producerId"] == producer_id and producer_id in self._producers
        assert consumer["rtpParameters"]["codecs"][0]["mimeType"] == expected, consumer
        assert consumer["id"] not in self._consumers
        self._consumers.add(consumer["id"])
        return str(consumer["id"])

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
    # Leaving is not measured: rooms that a round leaves behind shall be over before the next one begins.
    server = demo(data / "rostrum", log_level="warning", consumers_per_worker="100000", peer_grace_seconds="1")
    return server, Target("ours", server.told["url"], server.pid, *auths(server))


async def _remembered(target: Target) -> Known:
    """What a browser that has been here before knows."""
    host = await LoadClient.open(target.url, target.host_auth)
    await host.request("createRoom", {"room_id": "bench-known"})
    media = (await host.request("join", {"room_id": "bench-known", "name": "Host", "media": {"recv": True}}))["media"]
    await host.request("exitRoom", {})
    await host.close()
    return {"tag": media["tag"], "rtpCapabilities": capabilities_of_a_browser(media["routerRtpCapabilities"])}


def _start_peer(data: Path) -> tuple[Pinned, Target]:
    node_peer.installed()
    arguments = ["--port", str(NODE_PORT), "--media-port", str(NODE_MEDIA_PORT)]
    server = Pinned(node_peer.command("server.js", *arguments), data / "peer.log", node_peer.settings())
    return server, Target("peer", server.told["url"], server.pid, {}, {})


def main() -> None:
    """Run the benchmark and write its row."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a small run that writes no row")
    arguments.add_argument("--one-shot", action="store_true", help="P4: media in the answer to join")
    arguments.add_argument("--first-visit", action="store_true", help="P4 without anything remembered: one trip more")
    options = arguments.parse_known_args()[0]
    size = QUICK if options.quick else FULL
    pin_load()
    data = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    began = time.monotonic()
    running: list[Pinned] = []
    try:
        server, ours = _start_ours(data)
        running.append(server)
        if options.one_shot:
            known = None if options.first_visit else asyncio.run(_remembered(ours))
            peer, ours = replace(ours, name="by events"), replace(ours, name="one-shot", one_shot=True, known=known)
        else:
            node, peer = _start_peer(data)
            running.append(node)
        pairs = asyncio.run(compare(ours, peer, size))
    finally:
        for one in running:
            one.stop()
        shutil.rmtree(data)
    row = _row_of_p4(pairs, size, options.first_visit) if options.one_shot else _row_of_p3(pairs, size)
    if options.quick:
        print(row, f"{time.monotonic() - began:.0f} s, on {os.cpu_count()} cores")
    else:
        row.write()


def _row_of_p3(pairs: Pairs, size: Size) -> Row:
    versions = f"{node_peer.versions()}, engine 3.27.1"
    what = f"join by the documented events, {size.rooms} rooms of {size.viewers} viewers"
    return pairs.row("P3", what, "joins/CPU-s", "≥ 1.0", versions)


def _row_of_p4(pairs: Pairs, size: Size, first_visit: bool) -> Row:
    trips, visit = (3, "first visit") if first_visit else (2, "routers known")
    what = (
        f"join with media in its answer ({visit}: {trips} round trips after the socket's own) beside the documented "
        f"events (11), {size.rooms} rooms of {size.viewers} viewers"
    )
    return pairs.row("P4", what, "joins/CPU-s", "≥ 2, ≤ 3 trips", "engine 3.27.1")


if __name__ == "__main__":
    main()
