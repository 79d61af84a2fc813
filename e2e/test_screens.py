"""Pictures of the product at both sizes, for people to look at: e2e/artifacts/screens."""

from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from e2e.conftest import ARTIFACTS, NewAttendee
from e2e.harness import chrome, media
from e2e.harness.attendee import Attendee
from e2e.harness.rooms import RoomLinks

SCREENS = ARTIFACTS / "screens"
SIZES = [("desktop", chrome.DESKTOP), ("phone", chrome.PHONE)]


def _shoot(person: Attendee, name: str, size: str) -> Path:
    SCREENS.mkdir(parents=True, exist_ok=True)
    path = SCREENS / f"{size}-{name}.png"
    person.page.screenshot(path=path, animations="disabled")
    return path


def _fits(person: Attendee) -> None:
    """Assert that nothing sticks out sideways."""
    overflow = person.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{person.name}'s page is {overflow} pixels too wide"


@pytest.mark.parametrize(("size", "viewport"), SIZES, ids=[name for name, _ in SIZES])
def test_the_screens_at_each_size(people: NewAttendee, room: RoomLinks, size: str, viewport: ViewportSize) -> None:
    host, viewer = people("Hana Host", viewport), people("Vera Viewer", viewport)

    viewer.open(room.viewer_link)
    expect(viewer.find("join-button")).to_be_visible()
    _shoot(viewer, "lobby-viewer", size)
    host.open(room.host_link)
    expect(host.find("join-button")).to_be_visible()
    host.page.wait_for_timeout(1500)  # The preview's first pictures.
    _shoot(host, "lobby-host", size)

    viewer.join(room.viewer_link)
    expect(viewer.find("waiting")).to_be_visible()
    _shoot(viewer, "waiting", size)

    host.join(room.host_link)
    host.is_live()
    media.decodes(viewer.page, 30)
    _shoot(viewer, "stage-viewer", size)
    _shoot(host, "stage-host", size)

    host.say("Welcome! Questions go here, we answer them at the end.")
    viewer.say("Thank you, the sound is great.")
    host.reads("Thank you, the sound is great.")
    _shoot(viewer, "chat-viewer", size)
    _shoot(host, "chat-host", size)
    for person in (host, viewer):
        person.close_chat()

    host.press("screen-toggle")
    expect(viewer.find("screen-tile")).to_be_visible(timeout=15_000)
    media.decodes(viewer.page, 15, streams=2)
    _shoot(viewer, "screen-viewer", size)
    _shoot(host, "screen-host", size)

    for person in (host, viewer):
        _fits(person)
