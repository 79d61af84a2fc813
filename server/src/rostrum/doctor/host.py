"""The host itself: settings, disk, clock, open files, ffmpeg, the built web client."""

import asyncio
import ctypes
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from rostrum.doctor.finding import Finding, Level
from rostrum.settings import Settings

LITTLE_SPACE = 2 << 30
NO_SPACE = 200 << 20
FEW_FILES = 4096
PROJECT_BEGAN = 1_735_689_600  # 2025: a clock before that was never set.
TIME_ERROR = 5


async def check_settings(settings: Settings) -> list[Finding]:
    """What the types alone do not see."""
    findings = []
    url = urlsplit(settings.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        text = f"ROSTRUM_PUBLIC_URL is no URL: {settings.public_url!r}"
        findings.append(Finding("settings", "fail", text, "Write it like https://webinar.example.org."))
    if settings.open_rooms and settings.host not in ("127.0.0.1", "::1", "localhost"):
        text = f"rooms are open to everybody who reaches {settings.host}"
        findings.append(Finding("settings", "warn", text, "Set ROSTRUM_OPEN_ROOMS=false outside of development."))
    return findings or [Finding("settings", "ok", "all settings are valid")]


async def check_data_folder(settings: Settings) -> list[Finding]:
    """Whether the data folder can be written to and has space."""
    folder = settings.data_dir.absolute()
    existing = _nearest(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".doctor-"):
            pass
    except OSError as error:
        advice = f"Give this user write access to {existing}, or choose another folder with --data-dir."
        return [Finding("disk", "fail", f"{existing} cannot be written to: {error.strerror}", advice)]
    free = shutil.disk_usage(existing).free
    level: Level = "fail" if free < NO_SPACE else "warn" if free < LITTLE_SPACE else "ok"
    advice = "" if level == "ok" else "Make space, or choose a folder on another disk with --data-dir."
    return [Finding("disk", level, f"{free / (1 << 30):.1f} GB free for {folder}", advice)]


def _nearest(folder: Path) -> Path:
    """The folder, or the one that it would be made in."""
    while not folder.exists():
        folder = folder.parent
    return folder


async def check_clock(_settings: Settings) -> list[Finding]:
    """Whether the clock was set, keeps time with others, and agrees with the file system."""
    now = time.time()
    if now < PROJECT_BEGAN:
        text = f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(now))}"
        return [Finding("clock", "fail", text, "Set the clock: tokens are refused otherwise.")]
    apart = _apart_from_files()
    if apart > 2:
        text = f"files get times {apart:.0f} s away from the clock"
        return [Finding("clock", "warn", text, "Synchronise this host with the one that holds its files.")]
    if not _synchronised():
        advice = "Install and start a time service: apt-get install systemd-timesyncd."
        return [Finding("clock", "warn", "nothing keeps the clock in time with others", advice)]
    return [Finding("clock", "ok", "the clock is synchronised")]


def _apart_from_files() -> float:
    """Seconds between the clock and the time that a new file gets."""
    with tempfile.NamedTemporaryFile() as file:
        return abs(Path(file.name).stat().st_mtime - time.time())


def _synchronised() -> bool:
    """Ask the kernel, which the time service tells; the structure's first member 0 means to change nothing."""
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    try:
        return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) != TIME_ERROR)
    except (OSError, AttributeError):
        return True  # This host cannot tell; that is no finding.


async def check_open_files(_settings: Settings) -> list[Finding]:
    """How many sockets the server may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= FEW_FILES:
        return [Finding("open files", "ok", f"{soft} files and sockets may be open")]
    advice = f"Raise it before the start: ulimit -n {min(65536, hard)} (each viewer needs one socket)."
    return [Finding("open files", "warn", f"only {soft} files and sockets may be open", advice)]


async def check_ffmpeg(_settings: Settings) -> list[Finding]:
    """Whether ffmpeg is there and runs."""
    advice = "Install it: apt-get install ffmpeg (recordings need it, live webinars do not)."
    program = shutil.which("ffmpeg")
    if program is None:
        return [Finding("ffmpeg", "warn", "ffmpeg is not installed", advice)]
    process = await asyncio.create_subprocess_exec(
        program, "-version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        return [Finding("ffmpeg", "warn", f"{program} ends with {process.returncode}", advice)]
    return [Finding("ffmpeg", "ok", output.decode(errors="replace").split(" Copyright")[0].strip())]


async def check_web_client(settings: Settings) -> list[Finding]:
    """Whether the web client has been built."""
    if os.access(settings.web / "index.html", os.R_OK):
        return [Finding("web client", "ok", "the web client is built")]
    text = f"there is no web client in {settings.web}"
    return [Finding("web client", "warn", text, "Run `make setup` to build it.")]
