"""Runs all checks, one after the other; a check that breaks is itself a finding."""

from collections.abc import AsyncIterator, Awaitable, Callable

from rostrum.doctor import engine, host, network
from rostrum.doctor.finding import Finding
from rostrum.settings import Settings

Check = Callable[[Settings], Awaitable[list[Finding]]]

CHECKS: tuple[Check, ...] = (
    host.check_settings,
    host.check_data_folder,
    host.check_clock,
    host.check_open_files,
    host.check_ffmpeg,
    host.check_web_client,
    network.check_http_port,
    network.check_media_ports,
    network.check_announced_address,
    network.check_secure_context,
    engine.check_engine,
)


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """All findings, each as soon as it is there."""
    for check in CHECKS:
        try:
            findings = await check(settings)
        except Exception as error:
            name = check.__name__.removeprefix("check_")
            findings = [Finding(name, "fail", f"the check itself failed: {error!r}", "Report this as a defect.")]
        for finding in findings:
            yield finding
