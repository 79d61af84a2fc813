"""Every error of REST has the one shape, whatever goes wrong."""

from typing import Any

import httpx
import pytest
from rostrum.services import Services

MEMBERS = {"success", "code", "msg", "message", "requestId"}


def _check(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) - {"errors"} == MEMBERS
    assert body["success"] is False
    assert body["code"] == code
    assert body["msg"] == body["message"]
    assert body["requestId"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    return body


async def test_unknown_path(client: httpx.AsyncClient) -> None:
    for path in (
        "/nope",
        "/v1/nope",
        "/v1/join/x",
        "/assets/nope.js",
        "/favicon.png",
        "/assets/../../settings.py",
        "/redoc",
    ):
        _check(await client.get(path), 404, "not_found")


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_wrong_method(client: httpx.AsyncClient, prefix: str) -> None:
    for method, path, taken in (
        ("DELETE", "/auth/login", "POST, OPTIONS"),
        ("PATCH", "/room/x/files", "GET, DELETE, HEAD, OPTIONS"),
        ("POST", "/room/x/files/y", "GET, DELETE, HEAD, OPTIONS"),
    ):
        answer = await client.request(method, prefix + path)
        _check(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == taken
    answer = await client.put("/v1/rooms/x")  # Routes of one path that stand in several places.
    assert answer.headers["allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"


async def test_options_tells_the_methods(client: httpx.AsyncClient) -> None:
    for path, taken in (("/auth/login", "POST, OPTIONS"), ("/v1/features", "GET, HEAD, OPTIONS")):
        answer = await client.options(path)
        assert (answer.status_code, answer.headers["allow"], answer.content) == (204, taken, b"")
    _check(await client.options("/nope"), 404, "not_found")


async def test_head_is_get_without_a_body(client: httpx.AsyncClient, backend: Any) -> None:
    for path in ("/healthz", "/v1/features", "/v1/rooms", "/v1/nope", "/", "/docs", "/openapi.json"):
        got = await client.get(path, headers=backend.headers)
        head = await client.head(path, headers=backend.headers)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert {**head.headers, "x-request-id": ""} == {**got.headers, "x-request-id": ""}
    assert (await client.head("/v1/features")).status_code == 401
    assert (await client.head("/auth/login")).status_code == 405


async def test_a_slash_at_the_end_makes_no_difference(client: httpx.AsyncClient, backend: Any) -> None:
    answer = await client.post("/room/create/", json={"name": "A", "type": "webinar"}, headers=backend.headers)
    assert answer.status_code == 201
    room = answer.json()["data"]["id"]
    assert (await client.get(f"/v1/rooms/{room}/", headers=backend.headers)).status_code == 200
    _check(await client.get("//v1/features", headers=backend.headers), 404, "not_found")


@pytest.mark.parametrize(
    "path", ["/v1/rooms/%zz", "/v1/rooms/%", "/v1/rooms/%ff%fe", "/v1/rooms/%00", "/v1/rooms/..%2f"]
)
async def test_odd_percents(client: httpx.AsyncClient, backend: Any, path: str) -> None:
    answer = await client.get(path, headers=backend.headers)
    assert answer.status_code == 404
    assert answer.json()["success"] is False


async def test_odd_queries(client: httpx.AsyncClient, backend: Any) -> None:
    for query, status in (
        ("limit=%zz", 400), ("limit=1&limit=0", 400), ("limit=0&limit=1", 200), ("&&=&x", 200), ("name=%ff", 200),
        ("name=%00", 400), ("%00=x", 400), ("cursor=" + "9" * 8000, 400), ("limit=5;limit=x", 400), ("limit=", 400),
    ):  # fmt: skip
        answer = await client.get(f"/v1/rooms?{query}", headers=backend.headers)
        assert answer.status_code == status, query
    _check(await client.get("/v1/rooms?x=" + "9" * 9000, headers=backend.headers), 414, "address_too_long")


@pytest.mark.parametrize("body", ["{", "nonsense", '{"name": NaN, }', "\x00", "[" * 5000])
async def test_malformed_json(client: httpx.AsyncClient, backend: Any, body: str) -> None:
    headers = {**backend.headers, "content-type": "application/json"}
    _check(await client.post("/room/create", content=body, headers=headers), 400, "malformed_json")


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null", "true", "{}"])
async def test_json_of_another_shape(client: httpx.AsyncClient, backend: Any, body: str) -> None:
    headers = {**backend.headers, "content-type": "application/json"}
    answer = _check(await client.post("/room/create", content=body, headers=headers), 400, "invalid_input")
    assert answer["errors"]


async def test_not_utf_8(client: httpx.AsyncClient, backend: Any) -> None:
    headers = {**backend.headers, "content-type": "application/json"}
    answer = await client.post("/room/create", content=b'{"name": "\xff\xfe"}', headers=headers)
    assert answer.status_code == 400


async def test_another_type_of_body(client: httpx.AsyncClient, backend: Any) -> None:
    _check(
        await client.post("/room/create", data={"name": "A", "type": "webinar"}, headers=backend.headers),
        415,
        "unsupported_media_type",
    )
    body = b'{"name": "A", "type": "webinar"}'
    for kind, status in (
        ("application/json", 201), ("application/json; charset=utf-8", 201), ("APPLICATION/JSON", 201),
        ("application/merge-patch+json", 201), ("text/plain", 415), ("text/json", 415), ("", 415), ("nonsense", 415),
        ("application/xml", 415), ("multipart/form-data; boundary=x", 415),
    ):  # fmt: skip
        headers = {**backend.headers, "content-type": kind}
        assert (await client.post("/room/create", content=body, headers=headers)).status_code == status, kind
    _check(await client.post("/room/create", headers=backend.headers), 400, "invalid_input")


async def test_too_large_a_body(client: httpx.AsyncClient, backend: Any) -> None:
    large = b'{"name": "' + b"x" * 1_100_000 + b'"}'
    headers = {**backend.headers, "content-type": "application/json"}
    _check(await client.post("/room/create", content=large, headers=headers), 413, "payload_too_large")

    async def chunks() -> Any:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    # Without a declared length, the bytes are counted as they come.
    _check(await client.post("/room/create", content=chunks(), headers=headers), 413, "payload_too_large")


async def test_an_unexpected_failure_tells_nothing(
    client: httpx.AsyncClient, services: Services, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("the password of the database is hunter2")

    monkeypatch.setattr(services.rooms, "create", fail)
    answer = await client.post("/room/create", json={"name": "A", "type": "webinar"}, headers=backend.headers)
    _check(answer, 500, "internal")
    assert "hunter2" not in answer.text


async def test_pages_have_a_strict_policy(client: httpx.AsyncClient) -> None:
    for path in ("/", "/join/anything"):
        answer = await client.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "unsafe-inline" not in policy
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_no_other_origin_is_let_in_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


async def test_the_document_describes_every_route(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    paths = document["paths"]
    for path in ("/auth/register", "/v1/auth/register", "/room/create", "/v1/rooms/{room_id}", "/healthz"):
        assert path in paths
    operations = [operation for path in paths.values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert "422" not in operation["responses"]
        assert operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"].endswith("/Error")
        assert operation["description"]
    assert set(document["components"]["schemas"]["Error"]["required"]) == MEMBERS
    assert paths["/healthz"]["get"]["security"] == []
    assert {"ApiKey": []} in paths["/room/create"]["post"]["security"]
    assert (await client.get("/openapi.json")).json() == document


async def test_every_answer_has_a_model_and_an_example(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = (method, path)
            assert operation["summary"] and operation["description"], where
            if "application/json" in (body := operation.get("requestBody", {"content": {}})["content"]):
                schema = body["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert document["components"]["schemas"][schema]["example"], where
            for status, answer in operation["responses"].items():
                if status == "default" or status == "204" or "application/json" not in answer.get("content", {}):
                    continue
                content = answer["content"]["application/json"]
                assert set(content["schema"]) == {"$ref"}, (*where, status)
                assert content.get("example") or content.get("examples"), (*where, status)
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (*where, parameter["name"])
                example = parameter.get("example", parameter["schema"].get("examples"))
                assert example is not None or parameter["in"] == "query", (*where, parameter["name"])
            statuses = set(operation["responses"])
            assert any(status.startswith("2") for status in statuses), where
            if operation["security"]:
                assert "401" in statuses, where
            if "requestBody" in operation:
                assert {"400", "408", "413", "415"} <= statuses, where
            if "{" in path:
                assert "404" in statuses, where
            for status in statuses - {"default"}:
                for content in operation["responses"][status].get("content", {}).values():
                    for name, example in content.get("examples", {}).items():
                        assert example["value"]["code"] == name, (*where, status)
