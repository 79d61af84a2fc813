"""The web client as a person uses it, through its `data-testid` hooks alone."""

from functools import partial
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from e2e.harness.wait import until


class Attendee:
    """One person with one page of the web client."""

    def __init__(self, context: BrowserContext, name: str) -> None:
        self.name = name
        self.context = context
        self.page: Page = context.new_page()
        self.console: list[str] = []
        self.page.on("console", lambda message: self.console.append(f"[{message.type}] {message.text}"))
        self.page.on("pageerror", lambda error: self.console.append(f"[pageerror] {error}"))

    def find(self, testid: str) -> Locator:
        """The element with this test id."""
        return self.page.get_by_test_id(testid)

    def open(self, link: str) -> None:
        """Open an invitation link and see the lobby (or a page that says why not)."""
        self.page.goto(link)

    def join(self, link: str) -> None:
        """Open a link and enter the room under this person's name."""
        self.open(link)
        self.enter()

    def enter(self) -> None:
        """Enter the room from its lobby."""
        name = self.find("join-name")
        expect(self.find("join-button")).to_be_visible(timeout=15_000)
        # The host's name is known from the token; a guest has to say theirs.
        if name.count() and name.is_editable():
            name.fill(self.name)
        self.find("join-button").click()
        until(f"{self.name} has joined", lambda: self.state("connection") == "joined", timeout=20)

    def press(self, testid: str) -> None:
        """Click a control, out of the menu where a small screen keeps it there."""
        control = self.find(testid).filter(visible=True)
        if not control.count():
            self.find("more-toggle").click()
        control.click()

    def is_live(self) -> None:
        """Assert that camera and microphone go out, as a host's do by themselves after the lobby."""
        for source in ("camera", "mic"):
            until(f"{self.name}'s {source} is live", partial(self.sends, source), timeout=20)

    def go_live(self) -> None:
        """Switch camera and microphone on, as a new co-host does."""
        for toggle in ("camera-toggle", "mic-toggle"):
            expect(self.find(toggle)).to_have_attribute("aria-pressed", "false")
            self.find(toggle).click()
        self.is_live()

    def sends(self, source: str) -> bool:
        """Whether this person's own camera, mic or screen is produced and not paused."""
        script = (
            "(source) => { const t = window.rostrum?.room?.state.local[source]; return !!t?.producerId && !t.paused }"
        )
        return bool(self.page.evaluate(script, source))

    def state(self, path: str) -> Any:
        """A value of the room's state, by a dotted path; None before there is a room."""
        script = "(path) => path.split('.').reduce((o, k) => o?.[k], window.rostrum?.room?.state) ?? null"
        return self.page.evaluate(script, path)

    def peer_id(self) -> str:
        """This person's own peer id."""
        return str(self.state("self.id"))

    def tile(self, peer_id: str, source: str = "camera") -> Locator:
        """The tile that shows a peer's camera or screen."""
        return self.page.locator(f'[data-testid="tile"][data-peer-id="{peer_id}"][data-source="{source}"]')

    def open_chat(self) -> None:
        """Have the chat panel open."""
        self._open("chat-toggle")
        expect(self.find("chat-input")).to_be_visible()

    def open_people(self) -> None:
        """Have the participants panel open."""
        self._open("people-toggle")
        expect(self.find("person").first).to_be_visible()

    def _open(self, toggle: str) -> None:
        if self.find(toggle).get_attribute("aria-expanded") != "true":
            self.press(toggle)

    def close_chat(self) -> None:
        """Have the chat panel closed."""
        if self.find("chat-toggle").get_attribute("aria-expanded") == "true":
            self.page.keyboard.press("Escape")
        expect(self.find("chat-input")).to_be_hidden()

    def say(self, text: str) -> None:
        """Send a chat message."""
        self.open_chat()
        self.find("chat-input").fill(text)
        self.find("chat-send").click()

    def reads(self, text: str, *, timeout: float = 8.0) -> None:
        """Assert that the chat shows this text once."""
        self.open_chat()
        expect(self.find("chat-message").filter(has_text=text)).to_have_count(1, timeout=timeout * 1000)
