"""What a page sends and receives, asked of the browser's own statistics."""

from typing import Any, TypedDict

from playwright.sync_api import Page

from e2e.harness.wait import until


class Inbound(TypedDict):
    """One received stream: `energy` is the sum that WebRTC keeps of squared audio levels, 0 for silence."""

    track: str
    packets: int
    frames: int
    width: int
    height: int
    energy: float
    level: float
    codec: str


def inbound(page: Page, kind: str) -> list[Inbound]:
    """The streams of this kind that the page receives and (video) has decoded at least one frame of."""
    found: list[Inbound] = page.evaluate("(kind) => window.__probe.inbound(kind)", kind)
    return found


def outbound(page: Page, kind: str) -> list[dict[str, Any]]:
    """The encodings of this kind that the page sends."""
    found: list[dict[str, Any]] = page.evaluate("(kind) => window.__probe.outbound(kind)", kind)
    return found


def protocols(page: Page) -> list[str]:
    """`udp` or `tcp` for each connected transport of the page."""
    found: list[str] = page.evaluate("() => window.__probe.protocols()")
    return found


def born(page: Page) -> str:
    """A mark that changes when the page is loaded again."""
    mark: str = page.evaluate("() => window.__probe.born")
    return mark


def decodes(page: Page, frames: int = 30, *, streams: int = 1, timeout: float = 20.0) -> None:
    """Assert that the page decodes at least `frames` new frames of at least `streams` videos."""
    before = {stream["track"]: stream["frames"] for stream in inbound(page, "video")}

    def enough() -> bool:
        now = inbound(page, "video")
        return sum(stream["frames"] - before.get(stream["track"], 0) >= frames for stream in now) >= streams

    try:
        until(f"{streams} video(s) with {frames} more frames decoded", enough, timeout=timeout)
    except AssertionError as error:
        raise AssertionError(f"{error}; before: {before}, now: {inbound(page, 'video')}") from None


def hears(page: Page, *, timeout: float = 15.0) -> None:
    """Assert that the page receives sound above silence."""
    before = sum(stream["energy"] for stream in inbound(page, "audio"))
    until(
        "the received sound's energy grows",
        lambda: sum(stream["energy"] for stream in inbound(page, "audio")) > before + 1e-6,
        timeout=timeout,
    )
