"""Debian's Chromium with a fake camera and a fake microphone, driven by Playwright."""

from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Playwright, ViewportSize

CHROMIUM = "/usr/bin/chromium"
PROBE = (Path(__file__).parent / "probe.js").read_text()
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
    # The server listens on the loopback address too, and Chromium leaves it out of its candidates otherwise.
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]
# With this policy and no proxy, WebRTC may not use UDP at all and must find its way over TCP.
TCP_ONLY = "--webrtc-ip-handling-policy=disable_non_proxied_udp"


def launch(playwright: Playwright, *extra: str) -> Browser:
    """Start a browser with a fresh profile."""
    return playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *extra])


def new_context(browser: Browser, viewport: ViewportSize = DESKTOP) -> BrowserContext:
    """A separate person: own storage, camera and microphone allowed, the probe in every page."""
    phone = viewport["width"] < 600
    context = browser.new_context(
        viewport=viewport, permissions=["camera", "microphone"], reduced_motion="reduce", has_touch=phone
    )
    context.add_init_script(PROBE)
    return context
