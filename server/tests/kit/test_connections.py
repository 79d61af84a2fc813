"""Requests as they come on the wire: framing that can be read in two ways, heads and bodies without an end."""

import asyncio
import json
from typing import Any

import pytest

KEY = "x-api-key: {key}\r\n"
BODY = b'{"name": "A", "type": "webinar"}'


@pytest.fixture
def new_database(new_sqlite: Any) -> Any:
    """Nothing here depends on the database."""
    return new_sqlite


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(
        update={"body_idle_seconds": 1.0, "upload_idle_seconds": 1.0, "max_upload_bytes": 65_536}
    )


def _request(line: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1") + body


def _statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def _error(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    told: dict[str, Any] = json.loads(body)
    assert (told["success"], told["msg"]) == (False, told["message"])
    assert told["requestId"]
    assert b"nosniff" in head
    return told


HOST = "host: localhost"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        ("content-length: 5", "transfer-encoding: chunked"),
        ("transfer-encoding: chunked", "content-length: 5"),
        ("content-length: 5", "content-length: 6"),
        ("content-length: 5, 6",),
        ("content-length: +5",),
        ("content-length: -5",),
        ("content-length: 0x5",),
        ("content-length: 5 5",),
        ("transfer-encoding: chunked, identity",),
        ("transfer-encoding: identity, chunked, gzip",),
        ("transfer-encoding: xchunked",),
        ("transfer-encoding : chunked",),
        ("transfer-encoding: chunked", "transfer-encoding: identity"),
        ("content-length : 5",),
        ("x-folded: a\r\n b",),
        ("no colon",),
        (": empty",),
        ("x-bare: a\nx-other: b",),
        ("x-nul: a\0b",),
        ("host: other",),
        ("x-api-key: one", "x-api-key: two"),
        ("authorization: Bearer one", "authorization: Bearer two"),
        ("content-type: application/json", "content-type: text/plain"),
    ],
)
async def test_what_can_be_read_in_two_ways_is_refused(wire: Any, headers: tuple[str, ...]) -> None:
    request = _request("POST /room/create HTTP/1.1", HOST, *headers, body=b"0\r\n\r\n" + SMUGGLED)
    answer = await wire.talk(request, end=True)
    assert _statuses(answer) == [400], answer
    assert _error(answer)["code"] == "malformed_request"


@pytest.mark.parametrize(
    "chunks",
    [
        b"5;a\nb\r\nHello\r\n0\r\n\r\n",
        b"5\nHello\n0\n\n",
        b"0x5\r\nHello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nx",
        b"-1\r\n",
    ],
)
async def test_chunks_that_are_not_well_formed(wire: Any, chunks: bytes) -> None:
    request = _request("POST /room/create HTTP/1.1", HOST, "transfer-encoding: chunked", body=chunks + SMUGGLED)
    assert 200 not in _statuses(await wire.talk(request, end=True))


@pytest.mark.parametrize(
    "line",
    [
        "GET /healthz",
        "GET /healthz HTTP/9.9",
        "GET healthz HTTP/1.1",
        "G\0T /healthz HTTP/1.1",
        "get /healthz HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "GET /\xff HTTP/1.1",
    ],
)
async def test_lines_that_are_not_well_formed(wire: Any, line: str) -> None:
    answer = await wire.talk(_request(line, HOST), end=True)
    assert _statuses(answer) in ([400], []), answer


async def test_the_host_is_required_and_believed_in_nothing(wire: Any, backend: Any) -> None:
    assert _statuses(await wire.talk(_request("GET /healthz HTTP/1.1"), end=True)) == [400]
    key = KEY.format(key=backend.headers["x-api-key"]).strip()
    close = "connection: close"
    for line, host in (
        ("GET http://evil.example/v1/features HTTP/1.1", "host: evil.example"),
        ("GET http://evil.example/v1/features HTTP/1.1", HOST),
        ("GET /v1/features HTTP/1.1", "host: evil.example"),
    ):
        answer = await wire.talk(_request(line, host, key, close))
        assert _statuses(answer) == [200]
        assert b"evil" not in answer
    room = _request(
        "POST /room/create HTTP/1.1", "host: evil.example", "x-forwarded-host: evil.example", key, close,
        "content-type: application/json", f"content-length: {len(BODY)}", body=BODY,
    )  # fmt: skip
    answer = await wire.talk(room)
    assert _statuses(answer) == [201]
    assert b"evil" not in answer and b"http://localhost:" in answer
    # A slash at the end is no redirect to whatever host was named.
    answer = await wire.talk(_request("GET /v1/features/ HTTP/1.1", "host: evil.example", key, close))
    assert _statuses(answer) == [200]


async def test_headers_that_a_proxy_writes_are_not_believed_from_others(
    wire: Any, app: Any, person: Any, client: Any
) -> None:
    boss = await person("boss", admin=True)
    key = KEY.format(key=boss.headers["x-api-key"]).strip()
    login = b'{"userName": "nobody@example.org", "password": "x"}'
    spoofs = (
        "x-forwarded-for: 198.51.100.77", "forwarded: for=198.51.100.77", "x-real-ip: 198.51.100.77",
        "x-forwarded-proto: https", "x-original-url: /v1/audit-log", "x-rewrite-url: /v1/audit-log",
        "x-http-method-override: GET", "x-request-id: chosen",
    )  # fmt: skip
    request = _request(
        "POST /auth/login HTTP/1.1", HOST, key, *spoofs, "connection: close", "content-type: application/json",
        f"content-length: {len(login)}", body=login,
    )  # fmt: skip
    answer = await wire.talk(request)
    assert _statuses(answer) == [401]
    assert b"chosen" not in answer
    await app.services.audit.settle()
    records = (await client.get("/v1/audit-log?action=auth.login", headers=boss.headers)).json()["data"]
    assert [record["address"] for record in records] == ["127.0.0.1"]


async def test_heads_are_bounded(wire: Any) -> None:
    fine = _request("GET /healthz HTTP/1.1", HOST, "x-a: " + "a" * 30_000, "connection: close")
    assert _statuses(await wire.talk(fine)) == [200]
    for request in (
        _request("GET /healthz HTTP/1.1", HOST, "x-a: " + "a" * 40_000),
        _request("GET /healthz HTTP/1.1", HOST, *(f"x-{number}: a" for number in range(10_000))),
        _request("GET /" + "a" * 40_000 + " HTTP/1.1", HOST),
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a: " + b"a" * 5_000_000,
    ):
        answer = await wire.talk(request)
        assert _statuses(answer) == [431]
        assert _error(answer)["code"] == "head_too_large"
    long = await wire.talk(_request("GET /" + "a" * 20_000 + " HTTP/1.1", HOST, "connection: close"))
    assert (_statuses(long), _error(long)["code"]) == ([414], "address_too_long")


async def test_a_head_that_drips_is_ended(wire: Any) -> None:
    drip = [b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n", *(b"x-%d: a\r\n" % number for number in range(100))]
    answer = await wire.talk(*drip, pause=0.2)
    assert (_statuses(answer), _error(answer)["code"]) == ([408], "head_too_slow")
    assert await wire.talk() == b""  # Nobody says anything: closed without a word.


async def test_a_second_request_has_its_own_time(wire: Any) -> None:
    one = _request("GET /healthz HTTP/1.1", HOST)
    answer = await wire.talk(one, one, one + one[:10], pause=0.7)
    assert _statuses(answer) == [200, 200, 200, 408]


async def test_a_body_that_drips_is_ended(wire: Any, backend: Any) -> None:
    key = KEY.format(key=backend.headers["x-api-key"]).strip()
    head = _request("POST /room/create HTTP/1.1", HOST, key, "content-type: application/json", "content-length: 1000")
    for pieces, pause in (([head], 0.0), ([head, *(bytes([byte]) for byte in BODY * 20)], 0.1)):
        answer = await wire.talk(*pieces, pause=pause)
        assert (_statuses(answer), _error(answer)["code"]) == ([408], "body_too_slow")
        assert b"connection: close" in answer
    slow = _request(
        "POST /room/create HTTP/1.1", HOST, key, "connection: close", "content-type: application/json",
        f"content-length: {len(BODY)}",
    )  # fmt: skip
    assert _statuses(await wire.talk(slow, BODY[:9], BODY[9:], pause=0.3)) == [201]


async def test_an_upload_that_drips_is_ended(wire: Any, client: Any, backend: Any, app: Any) -> None:
    made = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=backend.headers)
    path, key = f"/room/{made.json()['data']['id']}/upload", KEY.format(key=backend.headers["x-api-key"]).strip()
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    kind = "content-type: multipart/form-data; boundary=b"
    head = _request(f"POST {path} HTTP/1.1", HOST, key, kind, "content-length: 60000", body=form)
    answer = await wire.talk(head, *[b"x"] * 100, pause=0.1)
    assert (_statuses(answer), _error(answer)["code"]) == ([408], "upload_too_slow")
    # Ten gigabytes: refused by the header alone, and by count where none tells.
    refused = _request(f"POST {path} HTTP/1.1", HOST, key, kind, f"content-length: {10 * 2**30}", body=form)
    answer = await wire.talk(refused, *[b"x" * 2**20] * 100)
    assert (_statuses(answer), _error(answer)["code"]) == ([413], "payload_too_large")
    chunked = _request(f"POST {path} HTTP/1.1", HOST, key, kind, "transfer-encoding: chunked")
    piece = b"%x\r\n" % 2**16 + b"x" * 2**16 + b"\r\n"
    answer = await wire.talk(chunked + b"%x\r\n%s\r\n" % (len(form), form), *[piece] * 1000)
    assert _statuses(answer) == [413]
    expecting = _request(f"POST {path} HTTP/1.1", HOST, key, kind, f"content-length: {2**34}", "expect: 100-continue")
    assert _statuses(await wire.talk(expecting)) == [413]  # It is not even told to go on.
    folder = app.services.settings.data_dir
    assert [path for name in ("objects", "incoming") for path in (folder / name).rglob("*") if path.is_file()] == []


async def test_a_refused_upload_is_not_read_to_its_end(wire: Any) -> None:
    """Without a key: the answer comes, and the connection ends long before ten gigabytes have come."""
    head = _request("POST /room/x/upload HTTP/1.1", HOST, "content-length: 60000")
    began = asyncio.get_running_loop().time()
    answer = await wire.talk(head, b"x" * 100)
    assert _statuses(answer) == [401]
    assert asyncio.get_running_loop().time() - began < 15


async def test_keep_alive_goes_on_after_a_refusal(wire: Any) -> None:
    body = b"{}"
    post = _request("POST /nothing HTTP/1.1", HOST, f"content-length: {len(body)}", body=body)
    answer = await wire.talk(post, post, _request("GET /healthz HTTP/1.1", HOST, "connection: close"), pause=0.05)
    assert _statuses(answer) == [404, 404, 200]


async def test_pipelined_requests_are_answered_in_order(wire: Any) -> None:
    many = b"".join(_request(f"GET {path} HTTP/1.1", HOST) for path in ("/healthz", "/nothing", "/v1/features"))
    answer = await wire.talk(many + _request("HEAD /healthz HTTP/1.1", HOST, "connection: close"))
    assert _statuses(answer) == [200, 404, 401, 200]
    assert answer.endswith(b"\r\n\r\n")
