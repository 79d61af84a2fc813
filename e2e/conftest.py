"""Fixtures of the end-to-end tests, and what is kept of a test that fails."""

import contextlib
import json
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, ViewportSize, sync_playwright

from e2e.harness import chrome
from e2e.harness.attendee import Attendee
from e2e.harness.rooms import RoomLinks, create_room
from e2e.harness.server import DemoServer

ARTIFACTS = Path(__file__).parent / "artifacts"
OUTCOME = pytest.StashKey[bool]()

NewAttendee = Callable[..., Attendee]


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember on the item whether it failed, for the fixtures that keep evidence."""
    report = yield
    if report.failed:
        item.stash[OUTCOME] = True
    return report


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium for the whole run; each person gets a context of their own in it."""
    running = chrome.launch(playwright)
    yield running
    running.close()


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """A demo server for one test module, with a data directory of its own."""
    logs = ARTIFACTS / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{_slug(request.module.__name__)}.log"
    log.unlink(missing_ok=True)
    settings = getattr(request.module, "SERVER_SETTINGS", {})
    running = DemoServer(tmp_path_factory.mktemp("data"), log, settings)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def room(server: DemoServer) -> RoomLinks:
    """A room that no other test has been in: peers who dropped stay in theirs for the grace period."""
    return create_room(server.demo)


@pytest.fixture
def people(request: pytest.FixtureRequest, browser: Browser) -> Iterator[NewAttendee]:
    """A function that makes a person with a browser context of their own; all leave when the test ends."""
    made: list[Attendee] = []

    def make(name: str, viewport: ViewportSize = chrome.DESKTOP, in_browser: Browser | None = None) -> Attendee:
        context = chrome.new_context(in_browser or browser, viewport)
        attendee = Attendee(context, name)
        made.append(attendee)
        return attendee

    yield make
    if request.node.stash.get(OUTCOME, False):
        keep_evidence(_slug(request.node.nodeid), made)
    for attendee in made:
        _close(attendee.context)


def keep_evidence(test: str, attendees: list[Attendee]) -> None:
    """Write each person's screenshot, console and statistics under artifacts/failures/<test>."""
    folder = ARTIFACTS / "failures" / test
    folder.mkdir(parents=True, exist_ok=True)
    for attendee in attendees:
        name = _slug(attendee.name)
        (folder / f"{name}.console.txt").write_text("\n".join(attendee.console))
        try:
            attendee.page.screenshot(path=folder / f"{name}.png", timeout=5000)
            stats = attendee.page.evaluate("() => window.__probe.dump()")
            (folder / f"{name}.stats.json").write_text(json.dumps(stats, indent=1))
        except Error as error:
            (folder / f"{name}.lost.txt").write_text(str(error))


def _close(context: BrowserContext) -> None:
    # The browser of this context may have ended already.
    with contextlib.suppress(Error):
        context.close()
