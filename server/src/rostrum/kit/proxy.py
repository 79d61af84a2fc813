"""Who really calls when a proxy stands in front, and whether by TLS.

A forwarding header is believed only from a trusted proxy, and only the one kind that the operator's proxy writes: the
other kind would be whatever the client made up.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, Literal, NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rostrum.kit.errors import Forbidden
from rostrum.kit.http import envelope
from rostrum.kit.ids import new_id

ForwardingHeaders = Literal["x-forwarded", "forwarded"]

LONGEST: Final = 4096
HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
SECURE: Final = frozenset({"https", "wss"})


class HttpsRequired(Forbidden):
    """The server takes HTTPS alone; the request came by plain HTTP."""

    code = "https_required"
    sentence = "This server takes HTTPS alone."


class Hop(NamedTuple):
    """One step of a request's way, as a proxy tells it."""

    address: str
    scheme: str


class ProxyHeaders:
    """ASGI middleware that puts the true address and scheme into the scope."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str], kind: ForwardingHeaders) -> None:
        self._app = app
        self._trusted = [ip_network(entry, strict=False) for entry in trusted]
        self._hops = _forwarded if kind == "forwarded" else _x_forwarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] in ("http", "websocket"):
            scope = self.resolved(scope)
        await self._app(scope, receive, send)

    def resolved(self, scope: Scope) -> Scope:
        """The scope of a request with the true address and scheme."""
        if not scope.get("client"):
            return scope
        address, port = _unmapped(scope["client"][0]), scope["client"][1]
        if not self._trusted:
            return {**scope, "client": (address, port)} if address != scope["client"][0] else scope
        scheme = scope["scheme"]
        for hop in reversed(self._hops(Headers(scope=scope))):
            if not self._is_trusted(address) or not _is_address(hop.address):
                break
            address, port, scheme = hop.address, 0, hop.scheme or scheme
        if scope["type"] == "websocket":
            scheme = "wss" if scheme in SECURE else "ws"
        return {**scope, "client": (address, port), "scheme": scheme}

    def _is_trusted(self, address: str) -> bool:
        return any(_is_address(address) and _inside(address, network) for network in self._trusted)


class HttpsOnly:
    """ASGI middleware that refuses plain HTTP: pages redirect, all else is an error. `url` is the public one."""

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif scope["scheme"] in SECURE:
            await self._app(scope, receive, _with_hsts(send))
        elif scope["path"] in OPEN_PATHS:  # Probes come from inside, past the proxy.
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        answer = envelope(HttpsRequired(), new_id())
        if self._url.startswith("https://") and scope["method"] in ("GET", "HEAD") and _is_page(path):
            answer.status_code = 308
            answer.headers["location"] = self._url + path
        await answer(scope, receive, send)


def _is_page(path: str) -> bool:
    return path in ("/", "/reset-password") or re.fullmatch(r"/join/[A-Za-z0-9_-]{1,64}", path) is not None


def _with_hsts(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), HSTS]}
        await send(message)

    return sending


def _x_forwarded(headers: Headers) -> list[Hop]:
    addresses = _list(headers, "x-forwarded-for")
    schemes = _list(headers, "x-forwarded-proto")
    if len(schemes) != len(addresses):  # Most proxies write the scheme once, as the last one saw it.
        schemes = schemes[-1:] * len(addresses)
    return [
        Hop(_bare(address), _scheme(scheme))
        for address, scheme in zip(addresses, schemes or [""] * len(addresses), strict=True)
    ]


def _forwarded(headers: Headers) -> list[Hop]:
    hops = []
    for element in _list(headers, "forwarded"):
        facts: dict[str, Any] = {}
        for pair in element.split(";"):
            name, _, value = pair.partition("=")
            facts[name.strip().lower()] = value.strip().strip('"')
        hops.append(Hop(_bare(facts.get("for", "")), _scheme(facts.get("proto", ""))))
    return hops


def _list(headers: Headers, name: str) -> list[str]:
    text = ",".join(headers.getlist(name))[:LONGEST]
    return [part.strip() for part in text.split(",") if part.strip()]


def _bare(address: str) -> str:
    """An address without its port and brackets."""
    if match := re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+):\d+", address):
        return match[1] or match[2]
    return address


def _scheme(text: str) -> str:
    lower = text.lower()
    return {"wss": "https", "ws": "http"}.get(lower, lower if lower in ("http", "https") else "")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _inside(address: str, network: IPv4Network | IPv6Network) -> bool:
    return ip_address(address) in network


def _unmapped(address: str) -> str:
    """An IPv4 address as such, also where a socket that listens by IPv6 tells it (`::ffff:192.0.2.1`)."""
    if not address.lower().startswith("::ffff:") or not _is_address(address):
        return address
    found = ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped) if mapped else address
