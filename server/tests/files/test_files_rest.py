"""Files over REST: the documented answers, who may, downloads and ranges, what is refused."""

import asyncio
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from rostrum.services import Services

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def _objects(services: Services) -> list[str]:
    folder = services.settings.data_dir / "objects"
    return [path.name for path in folder.rglob("*") if path.is_file()]


def _drafts(services: Services) -> list[str]:
    return [path.name for path in (services.settings.data_dir / "incoming").iterdir()]


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_answers_as_documented(
    client: httpx.AsyncClient, upload: Any, ada: Any, room_id: str, services: Services, prefix: str
) -> None:
    name = "ZekliOpenAPI-for Customers - Instant.docx"
    answer = await upload(name, b"PK\x03\x04" + b"x" * 27_681, prefix=prefix)
    assert answer.status_code == 200
    filename = answer.json()["data"]["filename"]
    assert filename == f"{room_id}_{name}"
    path = f"documents/{room_id}/{filename}"
    assert answer.json() == {
        "success": True,
        "data": {"originalName": name, "filename": filename, "size": 27_685, "roomId": room_id, "path": path},
        "msg": "File uploaded successfully!",
    }
    got = await client.get(f"{prefix}/room/{room_id}/files/{quote(filename)}", headers=ada.headers)
    assert got.status_code == 200
    date = got.json()["data"]["uploadDate"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", date)
    data = {"filename": filename, "originalName": name, "size": 27_685, "uploadDate": date, "path": path}
    assert got.json() == {"success": True, "data": data, "msg": "File retrieved successfully!"}
    listed = await client.get(f"{prefix}/room/{room_id}/files", headers=ada.headers)
    assert listed.json() == {"success": True, "data": [data], "msg": "Files retrieved successfully!"}
    await upload("b.txt")
    gone = await client.delete(f"{prefix}/room/{room_id}/files", headers=ada.headers)
    assert gone.status_code == 200
    assert gone.json() == {"success": True, "data": {"deletedCount": 2}, "msg": "Files deleted successfully!"}
    assert (await client.get(f"/room/{room_id}/files/{quote(filename)}", headers=ada.headers)).status_code == 404
    assert _objects(services) == [] == _drafts(services)


async def test_files_of_one_name_are_told_apart(
    client: httpx.AsyncClient, upload: Any, ada: Any, room_id: str, services: Services
) -> None:
    answers = await asyncio.gather(*(upload("a b.txt", f"{number}".encode()) for number in range(5)))
    names = {answer.json()["data"]["filename"] for answer in answers}
    assert len(names) == 5
    assert f"{room_id}_a b.txt" in names
    assert all(re.fullmatch(f"{room_id}_a b(-[0-9a-f]{{24}})?[.]txt", name) for name in names)
    contents = set()
    for name in names:
        got = await client.get(f"/room/{room_id}/files/{quote(name)}?download=1", headers=ada.headers)
        assert got.headers["content-disposition"].startswith('attachment; filename="a b.txt"')
        contents.add(got.text)
    assert contents == set("01234")
    # The plain name is free again once its file is gone, and what stands in its place is another thing.
    plain = f"/room/{room_id}/files/{quote(f'{room_id}_a b.txt')}"
    before = (await client.get(f"{plain}?download=1", headers=ada.headers)).headers["etag"]
    await client.delete(plain, headers=ada.headers)
    assert (await upload("a b.txt", b"new")).json()["data"]["filename"] == f"{room_id}_a b.txt"
    assert (await client.get(f"{plain}?download=1", headers=ada.headers)).headers["etag"] != before


async def test_pages_are_linked(client: httpx.AsyncClient, upload: Any, ada: Any, room_id: str) -> None:
    names = [(await upload(f"{number}.txt")).json()["data"]["filename"] for number in range(5)]
    seen: list[str] = []
    url = f"/room/{room_id}/files?limit=2"
    while url:
        answer = await client.get(url, headers=ada.headers)
        seen += [file["filename"] for file in answer.json()["data"]]
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    assert sorted(seen) == sorted(names)
    assert (await client.get(f"/room/{room_id}/files?cursor=x", headers=ada.headers)).status_code == 400


async def test_downloads_in_whole_and_in_parts(client: httpx.AsyncClient, upload: Any, ada: Any, room_id: str) -> None:
    content = bytes(range(1, 128)) * 8000
    filename = (await upload("a.txt", content)).json()["data"]["filename"]
    url = f"/room/{room_id}/files/{filename}?download=1"
    whole = await client.get(url, headers=ada.headers)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["content-disposition"] == "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    size = len(content)
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=500000-", 500_000, size),
        ("bytes=-10", size - 10, size),
        (f"bytes=5-{size * 2}", 5, size),
    ):
        part = await client.get(url, headers={**ada.headers, "range": asked})
        assert (part.status_code, part.content) == (206, content[start:end]), asked
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for asked in (f"bytes={size}-", "bytes=-0"):
        refused = await client.get(url, headers={**ada.headers, "range": asked})
        assert refused.status_code == 416
        assert refused.headers["content-range"] == f"bytes */{size}"
        assert refused.json()["code"] == "range_not_satisfiable"
    for ignored in ("bytes=1-2,4-5", "lines=1-2", "bytes=9-1", "bytes=-", "nonsense"):
        assert (await client.get(url, headers={**ada.headers, "range": ignored})).status_code == 200
    changed = {**ada.headers, "range": "bytes=0-0", "if-range": '"another"'}
    assert (await client.get(url, headers=changed)).status_code == 200
    same = {**changed, "if-range": whole.headers["etag"]}
    assert (await client.get(url, headers=same)).status_code == 206


async def test_a_file_that_the_client_has_already(
    client: httpx.AsyncClient, upload: Any, ada: Any, room_id: str
) -> None:
    filename = (await upload("a.txt", b"Hello")).json()["data"]["filename"]
    url = f"/room/{room_id}/files/{filename}?download=1"
    whole = await client.get(url, headers=ada.headers)
    etag, date = whole.headers["etag"], whole.headers["last-modified"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
    for asked in (
        {"if-none-match": etag},
        {"if-none-match": f'"x", W/{etag}'},
        {"if-none-match": "*"},
        {"if-modified-since": date},
        {"if-modified-since": "Fri, 31 Dec 2100 00:00:00 GMT"},
        {"if-none-match": etag, "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        same = await client.get(url, headers={**ada.headers, **asked})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag), asked
        assert "content-disposition" not in same.headers
    for asked in (
        {"if-none-match": '"x"'},
        {"if-none-match": '"x"', "if-modified-since": date},
        {"if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"if-modified-since": "nonsense"},
        {"if-modified-since": "Fri, 99 Dec 99999 00:00:00 GMT"},
    ):
        assert (await client.get(url, headers={**ada.headers, **asked})).status_code == 200, asked
    for condition, status in ((date, 206), (etag, 206), ("Thu, 01 Jan 1970 00:00:00 GMT", 200), (f"W/{etag}", 200)):
        part = {"range": "bytes=1-2", "if-range": condition}
        assert (await client.get(url, headers={**ada.headers, **part})).status_code == status, condition
    head = await client.head(url, headers={**ada.headers, "range": "bytes=0-1"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "5")
    assert {**head.headers, "x-request-id": ""} == {**whole.headers, "x-request-id": ""}
    assert (await client.head(url)).status_code == 401


async def test_an_empty_file(client: httpx.AsyncClient, upload: Any, ada: Any, room_id: str) -> None:
    filename = (await upload("empty.txt", b"")).json()["data"]["filename"]
    got = await client.get(f"/room/{room_id}/files/{filename}?download=1", headers=ada.headers)
    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")


async def test_who_may_delete(client: httpx.AsyncClient, upload: Any, room_id: str, person: Any) -> None:
    bob, eve, boss = await person("bob"), await person("eve"), await person("boss", admin=True)
    names = [(await upload(f"{n}.txt", who=bob)).json()["data"]["filename"] for n in range(2)]
    url = f"/room/{room_id}/files/{names[0]}"
    assert (await client.delete(url, headers=eve.headers)).status_code == 403
    assert (await client.delete(f"/room/{room_id}/files", headers=bob.headers)).status_code == 403
    gone = await client.delete(url, headers=bob.headers)
    assert gone.json() == {"success": True, "data": {"deletedCount": 1}, "msg": "File deleted successfully!"}
    assert (await client.delete(url, headers=bob.headers)).status_code == 404
    assert (await client.delete(f"/room/{room_id}/files/{names[1]}", headers=boss.headers)).status_code == 200


async def test_a_guest_needs_a_token_to_upload(
    client: httpx.AsyncClient, upload: Any, room_id: str, visitor: Any
) -> None:
    answer = await upload("a.txt", who=visitor)
    assert (answer.status_code, answer.json()["code"]) == (401, "user_required")
    made = await client.post(f"/v1/rooms/{room_id}/guest-token", json={"name": "Gus"}, headers=visitor.headers)
    visitor.headers["authorization"] = f"Bearer {made.json()['data']['token']}"
    uploaded = await upload("a.txt", who=visitor)
    assert uploaded.status_code == 200
    url = f"/room/{room_id}/files/{uploaded.json()['data']['filename']}"
    assert (await client.delete(url, headers=visitor.headers)).status_code == 200


async def test_another_rooms_file_is_not_found(
    client: httpx.AsyncClient, upload: Any, ada: Any, room_id: str, services: Services
) -> None:
    filename = (await upload("a.txt")).json()["data"]["filename"]
    answer = await client.post("/room/create", json={"name": "B", "type": "webinar"}, headers=ada.headers)
    other = answer.json()["data"]["id"]
    for method in ("GET", "DELETE"):
        refused = await client.request(method, f"/room/{other}/files/{filename}", headers=ada.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "file_not_found")
    assert len(_objects(services)) == 1


@pytest.mark.parametrize(
    ("name", "content", "kind", "code"),
    [
        ("a.html", b"<script>alert(1)</script>", "text/html", "file_type_refused"),
        ("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml", "file_type_refused"),
        ("a.exe", b"MZ", "", "file_type_refused"),
        ("noending", b"text", "text/plain", "file_type_refused"),
        ("a.png", b"<html><script>", "image/png", "file_type_mismatch"),
        ("a.png", b"", "image/png", "file_type_mismatch"),
        ("a.txt", b"MZ\0\0\0binary", "text/plain", "file_type_mismatch"),
        ("a.txt", b"only text", "application/pdf", "file_type_mismatch"),
        ("a.docx", b"%PDF-1.7", "", "file_type_mismatch"),
        ("a.webp", b"RIFF1234WAVE", "", "file_type_mismatch"),
        ("a.mp4", b"\0" * 5000, "video/mp4", "file_type_mismatch"),
    ],
)
async def test_types_that_are_refused(
    upload: Any, services: Services, name: str, content: bytes, kind: str, code: str
) -> None:
    answer = await upload(name, content, kind=kind)
    assert (answer.status_code, answer.json()["code"]) == (415, code)
    assert _objects(services) == [] == _drafts(services)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.png", PNG, "image/png"),
        ("A.PNG", PNG, "application/octet-stream"),
        ("a.webp", b"RIFF1234WEBP", "image/webp"),
        ("a.mp4", b"\0\0\0\x20ftypisom", "video/mp4"),
        ("a.csv", b"a,b\n1,2\n", "application/vnd.ms-excel"),
        ("a.txt", "Grüße".encode("utf-16"), "text/plain"),
        ("a.zip", b"PK\x03\x04", "application/x-zip-compressed"),
    ],
)
async def test_types_that_are_taken(upload: Any, name: str, content: bytes, kind: str) -> None:
    assert (await upload(name, content, kind=kind)).status_code == 200


async def test_bodies_that_are_no_form(client: httpx.AsyncClient, ada: Any, room_id: str, services: Services) -> None:
    url = f"/room/{room_id}/upload"
    assert (await client.post(url, json={"file": "x"}, headers=ada.headers)).status_code == 415
    assert (await client.post(url, headers=ada.headers)).status_code == 415
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nHello\r\n'
    for content_type, body in (
        ("multipart/form-data", part + b"--b--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 5000, part),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", part),
        ("multipart/form-data; boundary=b", part[:-10]),
        ("multipart/form-data; boundary=b", b"nonsense" * 100),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X-Long: " + b"y" * 100_000),
        ("multipart/form-data; boundary=b", part + part + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n--b--\r\n'),
    ):
        answer = await client.post(url, content=body, headers={**ada.headers, "content-type": content_type})
        assert answer.status_code == 400, (content_type[:60], body[:60], answer.text)
        assert answer.json()["code"] in ("malformed_form", "invalid_input")
    assert (await client.get(f"/room/{room_id}/files", headers=ada.headers)).json()["data"] == []
    assert _objects(services) == [] == _drafts(services)


async def test_the_audit_log_tells_of_files(client: httpx.AsyncClient, upload: Any, room_id: str, person: Any) -> None:
    boss, bob = await person("boss", admin=True), await person("bob")
    await upload("a.exe", b"MZ", who=bob)
    filename = (await upload("a.txt", who=bob)).json()["data"]["filename"]
    url = f"/room/{room_id}/files/{filename}"
    await client.get(f"{url}?download=1", headers=boss.headers)
    await client.delete(f"/room/{room_id}/files", headers=bob.headers)
    await client.delete(url, headers=bob.headers)
    await client.delete(f"/room/{room_id}/files", headers=boss.headers)
    records = (await client.get("/v1/audit-log", headers=boss.headers)).json()["data"]
    found = [(row["user"], row["action"], row["resource"], row["code"]) for row in reversed(records)]
    room, file = f"room:{room_id}", f"room:{room_id}/file:{filename}"
    assert [row for row in found if row[1].startswith("file.")] == [
        (bob.id, "file.upload", room, "file_type_refused"),
        (bob.id, "file.upload", file, None),
        (boss.id, "file.download", file, None),
        (bob.id, "file.delete_all", room, "forbidden"),
        (bob.id, "file.delete", file, None),
        (boss.id, "file.delete_all", room, None),
    ]


async def test_a_user_gets_and_forgets_their_files(
    client: httpx.AsyncClient, upload: Any, room_id: str, person: Any, services: Services
) -> None:
    bob = await person("bob")
    filename = (await upload("a.txt", who=bob)).json()["data"]["filename"]
    data = (await client.get("/v1/users/me/export", headers=bob.headers)).json()["data"]
    assert [(file["filename"], file["roomId"]) for file in data["files"]] == [(filename, room_id)]
    body = {"password": "password of bob"}
    gone = await client.request("DELETE", "/v1/users/me", json=body, headers=bob.headers)
    assert gone.status_code in (200, 204), gone.text
    assert (await services.files.find(room_id, filename)).uploader == ""
