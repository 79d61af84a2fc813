"""docs/protocol.md and the code agree on the events."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "protocol.md").read_text()
SOURCES = ROOT / "server" / "src" / "rostrum"


async def test_every_event_that_the_server_answers_is_documented(app: Any) -> None:
    requests = set(re.findall(r"`([\w:.]+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE))))
    missing = [event for event in app.services.realtime.events if event not in requests]
    assert not missing


def test_every_event_that_the_server_sends_is_documented() -> None:
    pattern = re.compile(r"(?:notifier\.(?:peer|room|stage|relay)\([^\"]*?|\.emit\(|tell\()\s*\"([\w:]+)\"")
    sent = {event for path in SOURCES.rglob("*.py") for event in pattern.findall(path.read_text())}
    assert len(sent) > 20
    assert not [event for event in sent if f"`{event}" not in PAGE]


def test_every_code_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE))
    known = {code for path in SOURCES.rglob("*.py") for code in re.findall(r"code = \"([a-z_]+)\"", path.read_text())}
    settings = set(re.findall(r"^    ([a-z_]+): .*Field", (SOURCES / "settings.py").read_text(), re.MULTILINE))
    others = {"room_id", "transport_id", "connect_error", "token_expired", "token_revoked", "key_revoked"}
    assert not named - known - settings - others
