"""A webinar survives its media worker's death (F1) and its server's death (F4); nobody reloads a page."""

import os
import signal
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.conftest import NewAttendee
from e2e.harness import media
from e2e.harness.attendee import Attendee
from e2e.harness.rooms import RoomLinks
from e2e.harness.server import DemoServer, alive, wait_gone
from e2e.harness.wait import until

RecordProperty = Callable[[str, object], None]

# Media has to be back this soon (faults-and-abuse F1, F4).
RECOVERY_SECONDS = 5.0


@pytest.fixture
def webinar(people: NewAttendee, room: RoomLinks) -> tuple[Attendee, Attendee]:
    """A live host and a viewer who sees and hears them."""
    host = people("Hana Host")
    host.join(room.host_link)
    host.is_live()
    viewer = people("Vera Viewer")
    viewer.join(room.viewer_link)
    media.decodes(viewer.page, 30)
    media.hears(viewer.page)
    return host, viewer


def _tracks(viewer: Attendee) -> set[str]:
    return {stream["track"] for stream in media.inbound(viewer.page, "video")}


def _seconds_until_new_video(viewer: Attendee, old: set[str], since: float) -> float:
    """Seconds from `since` (monotonic) until the viewer decodes pictures of a stream that it had not before."""
    until("video of a new stream", lambda: _tracks(viewer) - old, timeout=20, interval=0.05)
    took = time.monotonic() - since
    media.decodes(viewer.page, 15)
    return took


def test_f1_the_media_worker_is_killed(
    server: DemoServer, webinar: tuple[Attendee, Attendee], record_property: RecordProperty
) -> None:
    host, viewer = webinar
    pages = [media.born(person.page) for person in webinar]
    old = _tracks(viewer)
    victim = server.busiest_worker()
    count = len(server.workers())

    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    took = _seconds_until_new_video(viewer, old, killed)

    record_property("seconds_to_video", round(took, 2))
    print(f"F1: video back after {took:.2f} s")
    assert took <= RECOVERY_SECONDS
    media.hears(viewer.page)
    until("a worker in the dead one's place", lambda: len(server.workers()) == count, timeout=10)
    assert alive(server.pid)
    host.say("still here")
    viewer.reads("still here")
    assert [media.born(person.page) for person in webinar] == pages


def test_f4_the_server_is_killed_and_restarted(
    server: DemoServer, webinar: tuple[Attendee, Attendee], record_property: RecordProperty
) -> None:
    host, viewer = webinar
    pages = [media.born(person.page) for person in webinar]
    host.say("before the crash")
    viewer.reads("before the crash")
    old = _tracks(viewer)
    workers = server.workers()

    server.kill()
    wait_gone(workers)
    expect(viewer.find("connection-banner")).to_be_visible(timeout=5_000)
    viewer.say("said while the server was away")
    server.start()
    restarted = time.monotonic()
    took = _seconds_until_new_video(viewer, old, restarted)

    record_property("seconds_to_video", round(took, 2))
    print(f"F4: video back {took:.2f} s after the server was ready again")
    assert took <= RECOVERY_SECONDS
    media.hears(viewer.page)
    expect(viewer.find("connection-banner")).to_have_count(0)
    for person in webinar:
        person.reads("before the crash")
        person.reads("said while the server was away")
    host.say("after the crash")
    viewer.reads("after the crash")
    assert viewer.state("self.role") == "viewer" and host.state("self.role") == "host"
    assert [media.born(person.page) for person in webinar] == pages
