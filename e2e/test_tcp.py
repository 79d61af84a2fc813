"""A page that may not use UDP still gets video."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright

from e2e.conftest import NewAttendee
from e2e.harness import chrome, media
from e2e.harness.rooms import RoomLinks


@pytest.fixture
def tcp_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser whose WebRTC is barred from UDP, as behind a strict firewall."""
    running = chrome.launch(playwright, chrome.TCP_ONLY)
    yield running
    running.close()


def test_a_page_without_udp_gets_video_over_tcp(people: NewAttendee, room: RoomLinks, tcp_browser: Browser) -> None:
    host = people("Hana Host")
    host.join(room.host_link)
    host.is_live()
    viewer = people("Vera Behind A Firewall", in_browser=tcp_browser)
    viewer.join(room.viewer_link)

    media.decodes(viewer.page, 30)
    media.hears(viewer.page)
    assert set(media.protocols(viewer.page)) == {"tcp"}
    assert "udp" in media.protocols(host.page)


def test_a_link_can_ask_for_tcp(people: NewAttendee, room: RoomLinks) -> None:
    host = people("Hana Host")
    host.join(f"{room.host_link}&tcp=1")
    host.is_live()
    viewer = people("Vera Viewer")
    viewer.join(f"{room.viewer_link}&tcp=1")

    media.decodes(viewer.page, 15)
    media.hears(viewer.page)
    for person in (host, viewer):
        assert set(media.protocols(person.page)) == {"tcp"}
