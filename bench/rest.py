"""P8: authenticated JSON GETs with SQL, requests per CPU-second of the server, media worker and all.

Rostrum as `rostrum serve` runs it, beside Express 5 on node:sqlite and beside plain FastAPI with SQLAlchemy, on copies
of one database. `python -m bench.rest [--quick] [--ours]`
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import uvloop

from bench.kit import node_peer
from bench.kit.http_load import Exchange, exchange, load
from bench.kit.process import Pinned, cpu_seconds_of_all, pin_load
from bench.kit.rest_data import PUBLIC_URL, Data, Member, seed
from bench.kit.results import Pairs
from bench.kit.rostrum import serve

OUR_PORT, EXPRESS_PORT, FASTAPI_PORT = 25940, 25942, 25943
PEERS = Path(__file__).parent / "peers"

ROUTES: dict[str, Callable[[Member], list[str]]] = {
    "GET /v1/rooms/:id": lambda member: [f"/v1/rooms/{room}" for room in member.rooms],
    "GET /v1/meetings/:id": lambda member: [f"/v1/meetings/{meeting}" for meeting in member.meetings],
    "GET /v1/rooms, 20 rows": lambda _member: ["/v1/rooms?limit=50"],
    "GET /meetings/list/:userId, 20 rows": lambda member: [f"/meetings/list/{member.id}?limit=50"],
}


@dataclass(frozen=True)
class Size:
    """How much is measured: seconds a run, and pairs."""

    seconds: float
    pairs: int


FULL, QUICK = Size(2.5, 5), Size(1.0, 2)


@dataclass(frozen=True)
class Target:
    """One of the three servers; the exchanges of each route stand beside its name."""

    name: str
    server: Pinned
    url: str
    exchanges: dict[str, list[Exchange]]


def target(name: str, server: Pinned, url: str, data: Data) -> Target:
    """A server, with what it answers to each request that the load will send."""
    asked = {
        route: [exchange(url + path, member.headers) for member in data.members for path in paths(member)]
        for route, paths in ROUTES.items()
    }
    return Target(name, server, url, asked)


def same_answers(ours: Target, peer: Target) -> None:
    """Exit unless the peer answers as we do."""
    for route, exchanges in ours.exchanges.items():
        for own, other in zip(exchanges, peer.exchanges[route], strict=True):
            if json.loads(own.body) != json.loads(other.body):
                sys.exit(f"{peer.name} answers {route} otherwise: {other.body[:300]!r} instead of {own.body[:300]!r}")


async def measure(one: Target, route: str, seconds: float) -> float:
    """Requests per CPU-second of one run; 0 when any answer was wrong."""
    await load(one.url, one.exchanges[route], 0.2)
    before = cpu_seconds_of_all(one.server.pid)
    tally = await load(one.url, one.exchanges[route], seconds)
    used = cpu_seconds_of_all(one.server.pid) - before
    if tally.first_wrong:
        print(f"  {one.name} answered wrongly, which counts as zero: {tally.first_wrong[:300]!r}", flush=True)
        return 0.0
    return tally.right / used


async def compare(ours: Target, peers: list[Target], route: str, size: Size) -> dict[str, Pairs]:
    """Measure all in turn, the order turned round at each pair."""
    figures = {peer.name: Pairs() for peer in peers}
    for number in range(size.pairs):
        everybody = [ours, *peers]
        got = {one.name: await measure(one, route, size.seconds) for one in everybody[:: 1 - 2 * (number % 2)]}
        for name, pairs in figures.items():
            pairs.ours.append(got[ours.name])
            pairs.peer.append(got[name])
        told = ", ".join(f"{one.name} {got[one.name]:.0f}" for one in everybody)
        print(f"  {route}: {told} requests/CPU-s", flush=True)
    return figures


def _ours(folder: Path) -> tuple[Pinned, str]:
    return serve(folder, OUR_PORT, public_url=PUBLIC_URL)


def _express(configuration: Path) -> tuple[Pinned, str]:
    node_peer.installed()
    command = node_peer.command("rest.js", str(configuration), str(EXPRESS_PORT))
    server = Pinned(command, configuration.parent / "express.log", {"NODE_ENV": "production"})
    return server, server.told["url"]


def _fastapi(configuration: Path) -> tuple[Pinned, str]:
    url = f"http://127.0.0.1:{FASTAPI_PORT}"
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(PEERS / "fastapi"), "--port", str(FASTAPI_PORT)]
    command += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--no-access-log", "app:app"]
    told = {"BENCH_CONFIGURATION": str(configuration)}
    return Pinned(command, configuration.parent / "fastapi.log", told, ready=f"{url}/openapi.json"), url


def _configuration(data: Data, folder: Path) -> Path:
    """A copy of the database for the peers, and the page that tells them of it."""
    copy = Data(Path(shutil.copy(data.database, folder / "peers.db")), data.secret, data.key, data.members)
    page = folder / "peers.json"
    page.write_text(json.dumps(copy.for_peers()))
    return page


def main() -> None:
    """Run the benchmark and write its rows."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a small run that writes no row")
    arguments.add_argument("--ours", action="store_true", help="our server alone, without a row: for a profiler")
    chosen = arguments.parse_known_args()[0]
    size = QUICK if chosen.quick or chosen.ours else FULL
    pin_load()
    folder = Path(tempfile.mkdtemp(prefix="rostrum-bench-"))
    running: list[Pinned] = []

    def started(name: str, made: tuple[Pinned, str]) -> Target:
        running.append(made[0])
        return target(name, *made, data)

    try:
        data = asyncio.run(seed(folder / "rostrum"))
        page = _configuration(data, folder)
        ours = started("ours", _ours(folder / "rostrum"))
        peers = []
        if not chosen.ours:
            peers = [started("Express", _express(page)), started("FastAPI", _fastapi(page))]
        for peer in peers:
            same_answers(ours, peer)
        measured = {route: uvloop.run(compare(ours, peers, route, size)) for route in ROUTES}
    finally:
        for server in running:
            server.stop()
        shutil.rmtree(folder)
    for route, figures in measured.items():
        for name, pairs in figures.items():
            row = pairs.row("P8", f"{route}, beside {name}", "requests/CPU-s", _goal(name), _versions(name))
            print(row) if size is QUICK else row.write()


def _goal(peer: str) -> str:
    return "≥ 2.0" if peer == "Express" else "≥ 1.5"


def _versions(peer: str) -> str:
    if peer == "Express":
        return node_peer.versions("express", "jsonwebtoken")
    return ", ".join(f"{name} {version(name)}" for name in ("fastapi", "pydantic", "sqlalchemy", "pyjwt", "uvicorn"))


if __name__ == "__main__":
    main()
