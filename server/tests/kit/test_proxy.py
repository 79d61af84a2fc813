"""Behind a proxy: whose headers are believed, and plain HTTP where only HTTPS may be."""

from typing import Any

import httpx
import pytest
from rostrum.kit.proxy import ProxyHeaders


async def _seen(kind: Any, peer: str, headers: list[tuple[str, str]], way: str = "http") -> tuple[str, str]:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    scope = {
        "type": way,
        "client": (peer, 4000),
        "scheme": "ws" if way == "websocket" else "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await ProxyHeaders(app, ["10.0.0.0/8", "::1"], kind)(scope, None, None)  # type: ignore[arg-type]
    return seen[0]["client"][0], seen[0]["scheme"]


FOR, PROTO = "x-forwarded-for", "x-forwarded-proto"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("10.0.0.1", [(FOR, "203.0.113.9"), (PROTO, "https")], ("203.0.113.9", "https")),
        ("10.0.0.1", [(FOR, "1.1.1.1, 203.0.113.9, 10.2.3.4"), (PROTO, "https")], ("203.0.113.9", "https")),
        ("10.0.0.1", [(FOR, "1.1.1.1"), (FOR, "203.0.113.9")], ("203.0.113.9", "http")),
        ("10.0.0.1", [(FOR, "203.0.113.9:1234")], ("203.0.113.9", "http")),
        ("::1", [(FOR, "[2001:db8::1]:99"), (PROTO, "https")], ("2001:db8::1", "https")),
        ("::ffff:10.0.0.1", [(FOR, "203.0.113.9"), (PROTO, "https")], ("203.0.113.9", "https")),
        ("::ffff:203.0.113.7", [(FOR, "1.1.1.1")], ("203.0.113.7", "http")),
        ("10.0.0.1", [(FOR, "1.1.1.1, not an address")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(FOR, "203.0.113.9"), (PROTO, "javascript")], ("203.0.113.9", "http")),
        ("10.0.0.1", [("forwarded", "for=203.0.113.9;proto=https")], ("10.0.0.1", "http")),
        ("203.0.113.7", [(FOR, "10.0.0.9"), (PROTO, "https")], ("203.0.113.7", "http")),
        ("10.0.0.1", [], ("10.0.0.1", "http")),
        ("10.0.0.1", [(FOR, "," * 100_000)], ("10.0.0.1", "http")),
    ],
)
async def test_x_forwarded(peer: str, headers: list[tuple[str, str]], expected: tuple[str, str]) -> None:
    assert await _seen("x-forwarded", peer, headers) == expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("10.0.0.1", [("forwarded", "for=203.0.113.9;proto=https")], ("203.0.113.9", "https")),
        ("10.0.0.1", [("forwarded", 'For="[2001:db8::1]:47";Proto=https')], ("2001:db8::1", "https")),
        ("10.0.0.1", [("forwarded", "for=1.1.1.1, for=203.0.113.9;proto=https")], ("203.0.113.9", "https")),
        ("10.0.0.1", [("forwarded", "for=_hidden")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(FOR, "203.0.113.9")], ("10.0.0.1", "http")),
        ("203.0.113.7", [("forwarded", "for=1.1.1.1;proto=https")], ("203.0.113.7", "http")),
    ],
)
async def test_forwarded(peer: str, headers: list[tuple[str, str]], expected: tuple[str, str]) -> None:
    assert await _seen("forwarded", peer, headers) == expected


async def test_sockets_keep_their_kind_of_scheme() -> None:
    headers = [(FOR, "203.0.113.9"), (PROTO, "https")]
    assert await _seen("x-forwarded", "10.0.0.1", headers, "websocket") == ("203.0.113.9", "wss")


class TestHttpsOnly:
    @pytest.fixture
    def settings(self, settings: Any) -> Any:
        changes = {"https_only": True, "trusted_proxies": ["127.0.0.1"], "public_url": "https://live.example"}
        return settings.model_copy(update=changes)

    async def test_plain_http_is_refused(self, client: httpx.AsyncClient, backend: Any) -> None:
        answer = await client.get("/v1/features", headers=backend.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "https_required")
        answer = await client.get("/socket.io/?EIO=4&transport=polling")
        assert answer.status_code == 403
        assert (await client.get("/healthz")).status_code == 200
        page = await client.get("/join/abc")
        assert (page.status_code, page.headers["location"]) == (308, "https://live.example/join/abc")
        assert (await client.get("/join//evil.example")).status_code == 403

    async def test_https_passes_and_is_to_stay(self, client: httpx.AsyncClient, backend: Any) -> None:
        headers = {**backend.headers, FOR: "203.0.113.9", PROTO: "https"}
        answer = await client.get("/v1/features", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


class TestLimitsBehindAProxy:
    @pytest.fixture
    def settings(self, settings: Any) -> Any:
        return settings.model_copy(update={"trusted_proxies": ["127.0.0.1"], "reset_limit_address": "2/hour"})

    async def test_each_address_has_a_limit_of_its_own_and_cannot_choose_it(
        self, client: httpx.AsyncClient, visitor: Any
    ) -> None:
        async def attempt(forwarded: str) -> int:
            headers = {**visitor.headers, FOR: forwarded}
            body = {"token": "wrong", "newPassword": "long enough"}
            answer = await client.post("/v1/auth/reset-password", json=body, headers=headers)
            return answer.status_code

        assert [await attempt("203.0.113.1") for _ in range(3)] == [400, 400, 429]
        # What the client wrote itself stands further left than what the proxy has added.
        assert await attempt("198.51.100.1, 203.0.113.1") == 429
        assert await attempt("203.0.113.2") == 400
        # A home or a machine has a whole network of IPv6 addresses.
        assert [await attempt(f"2001:db8::{number}") for number in range(3)] == [400, 400, 429]
        assert await attempt("2001:db8:0:1::1") == 400
