"""A page written from the documented event names alone, without the SDK, against a server with open rooms."""

import mimetypes
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from e2e.conftest import ARTIFACTS
from e2e.harness import chrome, media
from e2e.harness.server import ROOT, DemoServer
from e2e.harness.wait import until

SERVER_SETTINGS = {"ROSTRUM_OPEN_ROOMS": "true"}
SITE = ARTIFACTS / "tutorial"


@pytest.fixture(scope="module")
def site() -> Path:
    """The tutorial page, bundled from npm's mediasoup-client and socket.io-client."""
    command = ["node_modules/.bin/vite", "build", "--config", "e2e/tutorial/vite.config.js", "--logLevel", "warn"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    return SITE


def _serve(route: Route) -> None:
    name = route.request.url.split("/tutorial/", 1)[1] or "index.html"
    file = SITE / name
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    route.fulfill(status=200, body=file.read_bytes(), content_type=kind)


def _enter(browser: Browser, server: DemoServer, room: str, name: str) -> Page:
    page = chrome.new_context(browser).new_page()
    # The page stands on the server's own origin, as it does when the tutorial's server serves it.
    page.route("**/tutorial/**", _serve)
    page.goto(f"{server.demo.url}/tutorial/")
    page.fill("#room", room)
    page.fill("#name", name)
    page.click("#enter button")
    expect(page.locator("#status")).to_have_text("live", timeout=15_000)
    return page


def test_two_tutorial_pages_see_hear_and_read_each_other(browser: Browser, server: DemoServer, site: Path) -> None:
    ann = _enter(browser, server, "123", "Ann")
    bob = _enter(browser, server, "123", "Bob")
    for page in (ann, bob):
        media.decodes(page, 30)
        media.hears(page)

    ann.fill("#text", "hello from Ann")
    ann.click("#say button")
    expect(bob.locator("#messages li", has_text="Ann: hello from Ann")).to_have_count(1)

    info = bob.evaluate("() => window.tutorial.info()")
    assert {peer["name"] for peer in info["peers"]} >= {"Ann"}
    assert info["producers"]

    ann.evaluate("() => window.tutorial.closeCamera()")
    expect(bob.locator("#remote video")).to_have_count(0, timeout=5_000)
    expect(bob.locator("#remote audio")).to_have_count(1)

    ann.click("#exit")
    expect(ann.locator("#status")).to_have_text("successfully exited room")
    expect(bob.locator("#remote audio")).to_have_count(0, timeout=5_000)
    for page in (ann, bob):
        page.context.close()


def test_a_late_tutorial_page_reads_what_was_said_before(browser: Browser, server: DemoServer, site: Path) -> None:
    ann = _enter(browser, server, "456", "Ann")
    ann.fill("#text", "said before Bob came")
    ann.click("#say button")
    bob = chrome.new_context(browser).new_page()
    bob.route("**/tutorial/**", _serve)
    bob.goto(f"{server.demo.url}/tutorial/")

    def history() -> list[str]:
        joined = bob.evaluate(
            """async () => {
                await window.tutorial.request("createRoom", { room_id: "456" });
                return window.tutorial.request("join", { room_id: "456", name: "Bob" });
            }"""
        )
        return [line["message"] for line in joined["chatHistory"]]

    until("the history has the line", lambda: "said before Bob came" in history(), timeout=5, interval=1)
    for page in (ann, bob):
        page.context.close()
