"""Ports, addresses, and whether browsers give a page of this server their camera."""

import ipaddress
import socket
import urllib.error
import urllib.request
from typing import Final
from urllib.parse import urlsplit

import anyio.to_thread

from rostrum.doctor.finding import Finding
from rostrum.kit.ports import media_ports, taken
from rostrum.settings import Settings
from rostrum.sfu.pool import primary_address, resolve_addresses

RUNNING: Final = "Stop the server first if it should be another one; if it is this one, all is well."


async def check_http_port(settings: Settings) -> list[Finding]:
    """Whether the port of HTTP is free, or our own server answers there."""
    reason = taken(settings.host, settings.port, "tcp")
    where = f"HTTP {settings.host}:{settings.port}"
    if reason is None:
        return [Finding("http port", "ok", f"{where} is free")]
    if await anyio.to_thread.run_sync(_is_rostrum, settings.port):
        return [Finding("http port", "ok", f"{where}: a Rostrum server answers there already")]
    return [Finding("http port", "fail", f"{where}: {reason}", "Choose another one with --port or ROSTRUM_PORT.")]


def _is_rostrum(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.headers.get("x-request-id")) and b'"ok"' in answer.read(100)
    except (urllib.error.URLError, OSError, ValueError):
        return False


async def check_media_ports(settings: Settings) -> list[Finding]:
    """Whether each media worker's UDP and TCP port is free on each address."""
    if settings.media_port == 0:
        return [Finding("media ports", "warn", "media takes any free ports", "Set ROSTRUM_MEDIA_PORT for a firewall.")]
    ports = media_ports(settings.media_port, settings.media_workers)
    problems = [
        f"{kind.upper()} {address}:{port}: {reason}"
        for address in resolve_addresses(settings.media_addresses)
        for port in ports
        for kind in ("udp", "tcp")
        if (reason := taken(address, port, kind)) is not None
    ]
    span = f"{ports[0]} to {ports[-1]}" if len(ports) > 1 else str(ports[0])
    if not problems:
        return [Finding("media ports", "ok", f"UDP and TCP {span} are free; a firewall must let both in")]
    if await anyio.to_thread.run_sync(_is_rostrum, settings.port):
        return [Finding("media ports", "ok", f"UDP and TCP {span}: taken, and a Rostrum server runs", RUNNING)]
    return [Finding("media ports", "fail", "; ".join(problems[:4]), "Choose others with ROSTRUM_MEDIA_PORT.")]


async def check_announced_address(settings: Settings) -> list[Finding]:
    """Whether browsers elsewhere can make anything of the address that they are told."""
    check, announced = "announced address", settings.announced_address
    if not announced:
        return [_unannounced(check, primary_address(), urlsplit(settings.url).hostname or "")]
    try:
        found = await anyio.to_thread.run_sync(socket.getaddrinfo, announced, None)
    except OSError:
        text = f"{announced} has no address"
        return [Finding(check, "fail", text, "Set ROSTRUM_ANNOUNCED_ADDRESS to the public IP address.")]
    address = ipaddress.ip_address(found[0][4][0])
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        advice = "Set ROSTRUM_ANNOUNCED_ADDRESS to the address by which browsers reach this host."
        return [Finding(check, "fail", f"{announced} is {address}, which nobody else can reach", advice)]
    return [Finding(check, "ok", f"browsers are told {announced}")]


def _unannounced(check: str, primary: str, public_host: str) -> Finding:
    if not primary:
        advice = "Connect a network, or set ROSTRUM_MEDIA_ADDRESSES; on this machine alone it works."
        return Finding(check, "warn", "this host has no network address", advice)
    private = ipaddress.ip_address(primary).is_private
    if private and public_host not in ("localhost", "127.0.0.1", "::1"):
        advice = "Behind NAT set ROSTRUM_ANNOUNCED_ADDRESS to the public address and forward the media ports."
        return Finding(check, "warn", f"browsers are told {primary}, which only this network can reach", advice)
    reach = "this machine and its network" if private else "everybody"
    return Finding(check, "ok", f"browsers are told {primary}: {reach} can reach it")


async def check_secure_context(settings: Settings) -> list[Finding]:
    """Whether browsers give pages of this server the camera: only over TLS or on localhost."""
    url = urlsplit(settings.url)
    local = url.hostname in ("localhost", "127.0.0.1", "::1") or (url.hostname or "").endswith(".localhost")
    if url.scheme == "https":
        return [Finding("secure context", "ok", f"{settings.url} has TLS: browsers give it camera and microphone")]
    if local:
        text = f"{settings.url}: browsers on this machine give it camera and microphone"
        return [Finding("secure context", "ok", text)]
    advice = "Put a proxy with TLS before the server and set ROSTRUM_PUBLIC_URL to its https URL."
    text = f"{settings.url} has no TLS: browsers refuse it camera and microphone"
    return [Finding("secure context", "fail", text, advice)]
