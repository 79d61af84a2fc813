"""The doctor finds what is wrong and nothing that is not."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rostrum.doctor import Finding, examine, stun
from rostrum.doctor.engine import check_engine
from rostrum.doctor.host import check_data_folder, check_settings
from rostrum.doctor.network import (
    check_announced_address,
    check_http_port,
    check_media_ports,
    check_secure_context,
)
from rostrum.settings import Settings


@pytest.fixture
def healthy(tmp_path: Path) -> Settings:
    """Settings with nothing wrong."""
    return Settings(data_dir=tmp_path, host="127.0.0.1", port=21950, media_port=21960, media_workers=1)


def _with(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update=changes)


async def test_a_healthy_host(healthy: Settings) -> None:
    findings = [finding async for finding in examine(healthy)]
    assert [finding for finding in findings if finding.level == "fail"] == []
    assert all(finding.advice for finding in findings if finding.level != "ok")
    answered = [finding.check for finding in findings if finding.text == "the engine answers by UDP and by TCP"]
    assert "media on 127.0.0.1" in answered


def _only(findings: list[Finding], level: str, words: str) -> None:
    assert [finding.level for finding in findings] == [level]
    assert words in findings[0].text
    assert findings[0].advice


async def test_a_missing_engine(healthy: Settings) -> None:
    _only(await check_engine(_with(healthy, engine_binary=Path("/nowhere/worker"))), "fail", "does not start")


async def test_an_engine_that_ends_at_once(healthy: Settings) -> None:
    _only(await check_engine(_with(healthy, engine_binary=Path("/bin/false"))), "fail", "does not start")


async def test_an_address_that_this_host_does_not_have(healthy: Settings) -> None:
    started, reached = await check_engine(_with(healthy, media_addresses=["203.0.113.77"]))
    assert (started.level, reached.level) == ("ok", "fail")


async def test_taken_ports(healthy: Settings) -> None:
    with socket.create_server(("127.0.0.1", 21950)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 21960))
        _only(await check_http_port(healthy), "fail", "21950")
        _only(await check_media_ports(healthy), "fail", "UDP 127.0.0.1:21960")


async def test_addresses_and_tls(healthy: Settings) -> None:
    _only(await check_announced_address(_with(healthy, announced_address="127.0.0.1")), "fail", "127.0.0.1")
    _only(await check_announced_address(_with(healthy, announced_address="no.such.host.invalid")), "fail", "no.such")
    good = await check_announced_address(_with(healthy, announced_address="203.0.113.5"))
    assert good[0].level == "ok"
    _only(await check_secure_context(_with(healthy, public_url="http://webinar.example.org")), "fail", "no TLS")
    assert (await check_secure_context(_with(healthy, public_url="https://webinar.example.org")))[0].level == "ok"


async def test_settings_and_disk(healthy: Settings, tmp_path: Path) -> None:
    _only(await check_settings(_with(healthy, public_url="webinar.example.org")), "fail", "PUBLIC_URL")
    _only(await check_settings(_with(healthy, open_rooms=True, host="0.0.0.0")), "warn", "open to everybody")
    (tmp_path / "file").write_text("")
    found = await check_data_folder(_with(healthy, data_dir=tmp_path / "file"))
    assert found[0].level == "fail"


def test_the_command_ends_with_one_when_something_fails(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROSTRUM_")}
    done = subprocess.run(
        [sys.executable, "-m", "rostrum", "doctor", "--json", "--data-dir", str(tmp_path)],
        env={**kept, "ROSTRUM_ENGINE_BINARY": "/nowhere/worker", "ROSTRUM_MEDIA_PORT": "21970"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    levels = {finding["check"]: finding["level"] for finding in json.loads(done.stdout)}
    assert levels["engine"] == "fail"
    assert levels["disk"] in ("ok", "warn")


def test_the_request_is_as_the_standard_has_it() -> None:
    """RFC 5769, section 2.4 has no such request; the engine's own answers prove the rest. Here: the frame."""
    message = stun.binding_request("a:b", "password", b"t" * 12)
    assert message[:2] == b"\x00\x01"
    assert int.from_bytes(message[2:4], "big") == len(message) - 20
    assert len(message) % 4 == 0
    assert stun.is_success(b"\x01\x01" + b"\x00" * 6 + b"t" * 12, b"t" * 12)
    assert not stun.is_success(b"\x01\x11" + b"\x00" * 6 + b"t" * 12, b"t" * 12)
