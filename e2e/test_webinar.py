"""The webinar itself: a host and a viewer in two browsers, through the web client."""

import pytest
from playwright.sync_api import expect

from e2e.conftest import NewAttendee
from e2e.harness import media
from e2e.harness.attendee import Attendee
from e2e.harness.rooms import RoomLinks
from e2e.harness.server import DemoServer
from e2e.harness.wait import until


@pytest.fixture
def host(people: NewAttendee, room: RoomLinks) -> Attendee:
    """The room's host, live with camera and microphone."""
    host = people("Hana Host")
    host.join(room.host_link)
    host.is_live()
    return host


@pytest.fixture
def viewer(people: NewAttendee, room: RoomLinks, host: Attendee) -> Attendee:
    """A guest who came over the viewer link."""
    viewer = people("Vera Viewer")
    viewer.join(room.viewer_link)
    return viewer


def test_the_links_that_the_demo_prints_lead_into_the_webinar(people: NewAttendee, server: DemoServer) -> None:
    host, viewer = people("Hana Host"), people("Vera Viewer")
    host.join(server.demo.host_link)
    host.is_live()
    viewer.join(server.demo.viewer_link)
    media.decodes(viewer.page, 30)
    media.hears(viewer.page)


def test_a_viewer_sees_hears_and_chats(host: Attendee, viewer: Attendee) -> None:
    media.decodes(viewer.page, 30)
    media.hears(viewer.page)
    expect(viewer.tile(host.peer_id())).to_be_visible()

    host.say("Welcome, everybody")
    viewer.reads("Welcome, everybody")
    viewer.say("Good to be here")
    host.reads("Good to be here")
    # The sender sees their own message once, not once more when the room hears it.
    viewer.reads("Good to be here")


def test_a_shared_screen_appears_and_goes(host: Attendee, viewer: Attendee) -> None:
    media.decodes(viewer.page, 5)
    host.find("screen-toggle").click()
    expect(viewer.find("screen-tile")).to_be_visible(timeout=15_000)
    media.decodes(viewer.page, 5, streams=2)

    host.find("screen-toggle").click()
    expect(viewer.find("screen-tile")).to_have_count(0, timeout=10_000)
    media.decodes(viewer.page, 10)


def test_a_viewer_becomes_cohost_without_reloading(host: Attendee, viewer: Attendee) -> None:
    page = media.born(viewer.page)
    assert viewer.state("self.role") == "viewer"
    viewer.find("cohost-request").click()

    if not host.find("cohost-request-item").first.is_visible():
        host.open_people()
    expect(host.find("cohost-request-item")).to_have_count(1, timeout=10_000)
    host.find("cohost-approve").click()

    until("the viewer is a co-host", lambda: viewer.state("self.role") == "cohost", timeout=10)
    viewer.go_live()
    expect(host.tile(viewer.peer_id())).to_be_visible(timeout=15_000)
    media.decodes(host.page, 30)
    media.hears(host.page)
    assert media.born(viewer.page) == page


def test_simulcast_layers_switch(host: Attendee, viewer: Attendee) -> None:
    def sends_three_layers() -> bool:
        layers = media.outbound(host.page, "video")
        return len([layer for layer in layers if layer["frames"] > 0 and layer["width"] > 0]) == 3

    media.decodes(viewer.page, 10)
    # Chromium ramps its encoder up: the top layer may take several seconds.
    until("the host sends three layers", sends_three_layers, timeout=30)
    widths = {layer["width"] for layer in media.outbound(host.page, "video")}
    lowest, highest = min(widths), max(widths)
    assert highest >= 4 * lowest

    for spatial, width in ((0, lowest), (2, highest), (0, lowest)):
        viewer.page.evaluate(
            """async ([peer, spatial]) => {
                await window.rostrum.room.state.peers.get(peer).streams.camera.setPreferredLayers(spatial, 2);
            }""",
            [host.peer_id(), spatial],
        )
        until(
            f"the viewer decodes layer {spatial} ({width} pixels)",
            lambda width=width: [stream["width"] for stream in media.inbound(viewer.page, "video")] == [width],  # type: ignore[misc]
            timeout=20,
        )
