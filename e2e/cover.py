"""Takes the picture of the README: `.venv/bin/python -m e2e.cover` writes docs/images/stage.png.

A real webinar on a demo server; only what the cameras and the shared screen show is drawn, since a fake camera's green
test pattern says little about how the product looks.
"""

import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright, sync_playwright

from e2e.harness import chrome, media
from e2e.harness.attendee import Attendee
from e2e.harness.rooms import create_room
from e2e.harness.server import ROOT, DemoServer

PICTURE = ROOT / "docs" / "images" / "stage.png"
SLIDE = """
navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const pen = canvas.getContext("2d");
  const bars = [["Jan", 34], ["Feb", 41], ["Mar", 39], ["Apr", 52], ["May", 61], ["Jun", 74]];
  const draw = () => {
    pen.fillStyle = "#f7f5f0"; pen.fillRect(0, 0, 1280, 720);
    pen.fillStyle = "#1d2433"; pen.font = "700 54px sans-serif"; pen.fillText("Half-year review", 80, 120);
    pen.fillStyle = "#5b6475"; pen.font = "28px sans-serif"; pen.fillText("Viewers per webinar, in thousands", 80, 170);
    bars.forEach(([month, value], i) => {
      const x = 100 + i * 185, height = value * 5;
      pen.fillStyle = i === 5 ? "#f2b84b" : "#3f6c8f";
      pen.beginPath(); pen.roundRect(x, 620 - height, 120, height, 10); pen.fill();
      pen.fillStyle = "#1d2433"; pen.font = "600 28px sans-serif"; pen.textAlign = "center";
      pen.fillText(String(value), x + 60, 606 - height); pen.fillText(month, x + 60, 664); pen.textAlign = "left";
    });
  };
  draw(); setInterval(draw, 100);
  return canvas.captureStream(10);
};
"""


def _camera(folder: Path, name: str, colours: tuple[str, str], shirt: str) -> Path:
    """A video of somebody in front of a soft wall, as a camera's file for Chromium."""
    path = folder / f"{name}.y4m"
    red, green, blue = (int(shirt[i : i + 2], 16) for i in (0, 2, 4))
    body = "lt(pow((X-640)/330,2)+pow((Y-800)/300,2),1)"
    neck = "lt(abs(X-640),58)*between(Y,400,540)"
    head = "lt(pow((X-640)/128,2)+pow((Y-320)/158,2),1)"
    hair = "lt(pow((X-640)/150,2)+pow((Y-270)/150,2),1)*lt(Y,270+0.0016*pow(X-640,2))"
    skin = (224, 178, 148)

    def channel(letter: str, of_shirt: int, of_skin: int, of_hair: int) -> str:
        inner = f"if({head}+{neck},{of_skin},if({body},{of_shirt},{letter}(X,Y)))"
        return f"'if({hair},{of_hair},{inner})'"

    channels = [channel("r", red, skin[0], 58), channel("g", green, skin[1], 42), channel("b", blue, skin[2], 36)]
    geq = "geq=r={}:g={}:b={}".format(*channels)
    source = f"gradients=s=1280x720:c0=0x{colours[0]}:c1=0x{colours[1]}:x0=0:y0=0:x1=1280:y1=720:d=1:r=5:speed=0.01"
    filters = f"format=gbrp,{geq},gblur=sigma=1.2,format=yuv420p"
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "lavfi", "-i", source, "-vf", filters, "-frames:v", "3"]
    subprocess.run([*command, str(path)], check=True)
    return path


def _person(playwright: Playwright, camera: Path | None = None) -> BrowserContext:
    extra = [f"--use-file-for-fake-video-capture={camera}"] if camera else []
    context = chrome.new_context(chrome.launch(playwright, *extra))
    context.add_init_script(SLIDE)
    return context


def take(playwright: Playwright, server: DemoServer, folder: Path) -> None:
    """Stage the webinar and take the picture from a viewer's seat."""
    room = create_room(server.demo, name="Half-year review")
    host = Attendee(_person(playwright, _camera(folder, "host", ("2f4858", "86bbd8"), "f6f1e7")), "Hana Novak")
    host.join(room.host_link)
    host.is_live()
    guest = Attendee(_person(playwright, _camera(folder, "guest", ("5b3a29", "d9a679"), "2c4a3e")), "Vito Marin")
    guest.join(room.viewer_link)
    guest.find("cohost-request").click()
    host.open_people()
    host.find("cohost-approve").click()
    guest.go_live()
    viewer = Attendee(_person(playwright), "Vera")
    viewer.join(room.viewer_link)
    host.press("screen-toggle")
    viewer.open_chat()
    host.say("Welcome, everybody! Questions go here, we take them at the end.")
    guest.say("Hello from Ljubljana, glad to be on stage.")
    viewer.say("What made June so strong?")
    media.decodes(viewer.page, 20, streams=3, timeout=40)
    viewer.page.wait_for_timeout(9000)  # The notices go, the pictures become sharp.
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    viewer.page.screenshot(path=PICTURE, animations="disabled")


def main() -> None:
    """Take the picture on a server of its own."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = DemoServer(Path(folder) / "data", Path(folder) / "server.log")
        server.start()
        try:
            take(playwright, server, Path(folder))
        finally:
            server.stop()
    print(f"{PICTURE} ({PICTURE.stat().st_size // 1024} KiB)")


if __name__ == "__main__":
    main()
