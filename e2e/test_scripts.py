"""What people write and upload never runs: markup in names and chat, pages and pictures with scripts, in Chromium."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, expect

from e2e.conftest import NewAttendee
from e2e.harness.rooms import create_room
from e2e.harness.server import DemoServer

SERVER_SETTINGS = {"ROSTRUM_UPLOAD_TYPES": "*"}
RUN = "window.__ran = (window.__ran || 0) + 1; try { top.__ran = 1 } catch (e) {}"
MARKUP = [
    '<img src=x onerror="window.__ran=1">',
    "<script>window.__ran=1</script>",
    '<svg onload="window.__ran=1">',
    '"><iframe srcdoc="<script>top.__ran=1</script>">',
    "javascript:window.__ran=1",
    "<a href='javascript:window.__ran=1'>x</a>",
]
PAGES = {
    "a.html": f"<!doctype html><title>x</title><script>{RUN}</script><body onload='{RUN}'>",
    "b.htm": f"<script>{RUN}</script>",
    "c.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><script>{RUN}</script></html>',
    "d.svg": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"><script>{RUN}</script></svg>',
    "e.xml": f'<x:script xmlns:x="http://www.w3.org/1999/xhtml">{RUN}</x:script>',
    "f.js": RUN,
    "g.txt": f"<!doctype html><script>{RUN}</script>",
    "h.pdf": f"%PDF-1.4 <script>{RUN}</script>",
}  # fmt: skip
EMBED = """([url, tag]) => new Promise((done) => {
  const element = document.createElement(tag);
  element.setAttribute({ object: "data", link: "href" }[tag] || "src", url);
  if (tag === "link") element.rel = "stylesheet";
  element.onload = element.onerror = () => done();
  setTimeout(done, 700);
  document.body.append(element);
})"""


def _keys(server: DemoServer) -> dict[str, str]:
    return {"x-api-key": server.demo.publishable_key, "authorization": f"Bearer {server.demo.host_token}"}


@pytest.fixture
def page(browser: Browser, server: DemoServer) -> Iterator[Page]:
    """A page whose requests all carry the host's key and token, as no real page's do: the worst case."""
    context = browser.new_context(extra_http_headers=_keys(server))
    yield context.new_page()
    context.close()


def _upload(server: DemoServer, room_id: str, name: str, content: str) -> str:
    form = {"file": (name, content.encode(), "application/octet-stream")}
    answer = httpx.post(f"{server.demo.url}/room/{room_id}/upload", files=form, headers=_keys(server))
    assert answer.status_code == 200, answer.text
    return f"{server.demo.url}/room/{room_id}/files/{answer.json()['data']['filename']}"


def _ran(page: Page) -> Any:
    return page.evaluate("() => window.__ran ?? null")


def test_an_upload_never_runs(server: DemoServer, page: Page) -> None:
    room_id = create_room(server.demo).room_id
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for name, content in PAGES.items():
        url = _upload(server, room_id, name, content)
        page.goto(f"{server.demo.url}/docs")
        with page.expect_download() as saved, pytest.raises(Error, match=r"Download is starting|ERR_ABORTED"):
            page.goto(f"{url}?download=1")
        assert saved.value.suggested_filename == name
        assert page.url.endswith("/docs")
        page.goto(url)  # What is known of it: JSON, whatever the name says.
        assert _ran(page) is None, name
        page.goto(f"{server.demo.url}/docs")
        for tag in ("script", "iframe", "img", "object", "embed", "link"):
            page.evaluate(EMBED, [f"{url}?download=1", tag])
        refused = page.evaluate(
            "(url) => navigator.serviceWorker.register(url).then(() => 'registered', () => 'refused')",
            f"{url}?download=1",
        )
        assert refused == "refused"
        assert _ran(page) is None, name
    assert dialogs == []


def test_no_page_of_ours_lets_a_script_stand_in_it(server: DemoServer, page: Page) -> None:
    room_id = create_room(server.demo).room_id
    for path in ("/", f"/join/{room_id}", "/docs", "/reset-password"):
        answer = page.goto(server.demo.url + path)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'self'" in policy and "object-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        page.evaluate(
            """(code) => {
              const script = document.createElement("script");
              script.textContent = code;
              document.body.append(script);
              document.body.insertAdjacentHTML("beforeend", '<img src="x" onerror="window.__ran = 1">');
            }""",
            RUN,
        )
        page.wait_for_timeout(300)
        assert _ran(page) is None, path


def test_text_of_others_is_text(server: DemoServer, people: NewAttendee) -> None:
    room = create_room(server.demo, name=MARKUP[0])
    host, viewer = people("Hana Host"), people(MARKUP[1])
    host.join(room.host_link)
    viewer.join(room.viewer_link)
    for text in MARKUP:
        viewer.say(text)
        host.open_chat()
        expect(host.find("chat-message").filter(has_text=text)).to_have_count(1, timeout=8000)
    host.open_people()
    for person in (host, viewer):
        assert _ran(person.page) is None
        assert person.page.locator("iframe, [onerror], [onload], a[href^='javascript:']").count() == 0
