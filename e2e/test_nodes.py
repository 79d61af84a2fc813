"""A webinar on two servers: host and viewer are connected to different ones, and one of the servers is killed."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgres_cluster import Cluster, ending
from redis_server import running_redis

from e2e.conftest import ARTIFACTS, NewAttendee
from e2e.harness import media
from e2e.harness.front import Front
from e2e.harness.rooms import create_room
from e2e.harness.server import DemoServer
from e2e.harness.wait import until

RECOVERY_SECONDS = 12.0
"""A dead leader's lease runs out after 4 s, and browsers wait a moment between two tries."""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[DemoServer]]:
    """Two servers that share a PostgreSQL database, a Redis and their secret."""
    with ExitStack() as stack:
        cluster = stack.enter_context(ending(Cluster().start()))
        redis = stack.enter_context(running_redis())
        cluster.sql("CREATE DATABASE webinar")
        shared = {
            "ROSTRUM_DATABASE_URL": cluster.url("webinar"),
            "ROSTRUM_REDIS_URL": redis.url,
            "ROSTRUM_SECRET": "the secret of both of these servers, long enough",
            "ROSTRUM_MEDIA_WORKERS": "1",
        }
        made = []
        (ARTIFACTS / "logs").mkdir(parents=True, exist_ok=True)
        for name in ("one", "two"):
            log = ARTIFACTS / "logs" / f"e2e-test-nodes-{name}.log"
            log.unlink(missing_ok=True)
            made.append(DemoServer(tmp_path / name, log, shared))
            stack.callback(made[-1].stop)
            made[-1].start()
        yield made


def test_a_webinar_on_two_servers_outlives_one_of_them(
    servers: list[DemoServer], people: NewAttendee, record_property: Callable[[str, object], None]
) -> None:
    one, two = servers
    room = create_room(one.demo)
    fronts = [Front([one.port, two.port]), Front([two.port, one.port])]
    ways = zip((room.host_link, room.viewer_link), fronts, strict=True)
    links = [link.replace(one.demo.url, front.url) for link, front in ways]
    host, viewer = people("Hana Host"), people("Vera Viewer")
    host.join(links[0])
    host.is_live()
    viewer.join(links[1])
    media.decodes(viewer.page, 30)
    media.hears(viewer.page)
    host.say("from the first server")
    viewer.reads("from the first server")
    viewer.say("from the second")
    host.reads("from the second")
    pages = [media.born(person.page) for person in (host, viewer)]
    old = {stream["track"] for stream in media.inbound(viewer.page, "video")}

    one.kill()
    killed = time.monotonic()
    until(
        "video by way of the second server",
        lambda: {stream["track"] for stream in media.inbound(viewer.page, "video")} - old,
        timeout=40,
        interval=0.05,
    )
    took = time.monotonic() - killed
    record_property("seconds_to_video", round(took, 2))
    print(f"the leader was killed: video back after {took:.2f} s")
    media.decodes(viewer.page, 15)
    media.hears(viewer.page)
    assert took <= RECOVERY_SECONDS
    for person in (host, viewer):
        person.reads("from the first server")
    host.say("we are back")
    viewer.reads("we are back")
    assert viewer.state("self.role") == "viewer" and host.state("self.role") == "host"
    assert [media.born(person.page) for person in (host, viewer)] == pages
    for front in fronts:
        front.close()
