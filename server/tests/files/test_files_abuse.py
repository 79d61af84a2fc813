"""Files under attack: tricks with paths, sizes, drips, full rooms and disks, crashes, many at once."""

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from rostrum.files import service as files_service
from rostrum.files.models import RoomFile
from rostrum.kit.dbfaults import DatabaseUnavailable
from rostrum.kit.ids import is_id
from rostrum.services import Services
from rostrum.settings import Settings
from rostrum.storage import draft as drafts
from sqlalchemy.ext.asyncio import AsyncSession

KIB = 1024
TRICKS = [
    "../../../etc/passwd.txt",
    "..\\..\\windows\\system.txt",
    "/etc/passwd.txt",
    "C:\\temp\\a.txt",
    "%2e%2e%2fa.txt",
    "%252e%252e%252fa.txt",
    "a\0b.txt",
    "....//....//a.txt",
    ".txt",
    "..txt",
    "x" * 4096 + ".txt",
    "ä" * 400 + ".txt",
    "\u202egpj.txt",
    'quote".txt',
    "semi;colon.txt",
    "new\r\nline: x.txt",
    "<img src=x onerror=alert(1)>.txt",
    "名前.txt",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small limits."""
    return Settings(
        data_dir=tmp_path / "data",
        host="127.0.0.1",
        port=21900,
        media_workers=1,
        max_upload_bytes=2048 * KIB,
        max_room_files_bytes=4096 * KIB,
        upload_idle_seconds=0.3,
    )


def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _stored(services: Services) -> list[Path]:
    folder = services.settings.data_dir
    return _files_below(folder / "objects") + _files_below(folder / "incoming")


def _change(services: Services, monkeypatch: Any, **changes: Any) -> None:
    monkeypatch.setattr(services.files, "_settings", services.settings.model_copy(update=changes))


def _form(name: str, content: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n\r\n'
    return head + content + b"\r\n--b--\r\n"


FORM = {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize("name", TRICKS)
async def test_no_name_leaves_its_folder(
    client: httpx.AsyncClient, ada: Any, room_id: str, services: Services, tmp_path: Path, name: str
) -> None:
    before = set(_files_below(tmp_path))
    url = f"/room/{room_id}/upload"
    answer = await client.post(url, content=_form(name, b"Hello"), headers={**ada.headers, **FORM})
    if answer.status_code != 200:
        assert answer.status_code in (400, 415), answer.text
        assert _stored(services) == []
        return
    data = answer.json()["data"]
    assert not {"/", "\\", "\0", "\r", "\n", "\u202e"} & set(data["filename"] + data["originalName"])
    assert len(data["filename"]) <= 150
    new = {path for path in set(_files_below(tmp_path)) - before if "rostrum.db" not in path.name}
    assert [path.parent for path in new] == [services.settings.data_dir / "objects" / "files" / room_id]
    assert all(is_id(path.name) for path in new)
    got = await client.get(f"/room/{room_id}/files/{quote(data['filename'], safe='')}?download=1", headers=ada.headers)
    assert (got.status_code, got.content) == (200, b"Hello")
    disposition = got.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=") and disposition.isascii()
    assert disposition.count('"') == 2


@pytest.mark.parametrize("name", ["..%2f..%2frostrum.db", "%2e%2e", "..%5c..%5crostrum.db", "%00", "x" * 4000, "%ff"])
async def test_no_name_reads_elsewhere(client: httpx.AsyncClient, ada: Any, room_id: str, name: str) -> None:
    for suffix in ("", "?download=1"):
        answer = await client.get(f"/room/{room_id}/files/{name}{suffix}", headers=ada.headers)
        assert answer.status_code == 404
        assert answer.json()["success"] is False


async def test_a_page_is_never_shown(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services, monkeypatch: Any
) -> None:
    _change(services, monkeypatch, upload_types=["*"])
    for name, kind in (("a.html", "text/html"), ("a.svg", "image/svg+xml"), ("a.js", "text/javascript"), ("a.xml", "")):
        filename = (await upload(name, b"<script>alert(1)</script>", kind=kind)).json()["data"]["filename"]
        got = await client.get(f"/room/{room_id}/files/{filename}?download=1", headers=ada.headers)
        assert got.headers["content-type"] == "application/octet-stream"
        assert got.headers["content-disposition"].startswith("attachment;")
        assert got.headers["x-content-type-options"] == "nosniff"


async def test_too_large_a_file(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services
) -> None:
    assert (await upload("a.txt", b"x" * 2048 * KIB)).status_code == 200
    over = await upload("a.txt", b"x" * (2048 * KIB + 1))
    assert (over.status_code, over.json()["code"]) == (413, "file_too_large")
    far_over = await upload("a.txt", b"x" * 4096 * KIB)
    assert (far_over.status_code, far_over.json()["code"]) == (413, "payload_too_large")
    huge = {**ada.headers, **FORM, "content-length": "9" * 40}
    assert (await client.post(f"/room/{room_id}/upload", content=b"", headers=huge)).status_code == 413
    assert len(_stored(services)) == 1


async def test_a_drip_is_refused(client: httpx.AsyncClient, ada: Any, room_id: str, services: Services) -> None:
    async def drip(seconds: float) -> AsyncIterator[bytes]:
        yield _form("a.txt", b"")[:-9]
        for _ in range(100):
            await asyncio.sleep(seconds)
            yield b"x"

    for seconds in (0.05, 5):
        headers = {**ada.headers, **FORM}
        answer = await client.post(f"/room/{room_id}/upload", content=drip(seconds), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (408, "upload_too_slow")
    assert _stored(services) == []


async def test_archives_are_stored_and_never_unpacked(upload: Any, services: Services) -> None:
    import zlib

    bomb = b"PK\x03\x04" + zlib.compress(b"\0" * 50_000_000)
    for name in ("bomb.zip", "bomb.docx"):
        assert (await upload(name, bomb)).json()["data"]["size"] == len(bomb)
    assert [path.stat().st_size for path in _stored(services)] == [len(bomb)] * 2


def _pictures(width: int, height: int) -> dict[str, bytes]:
    """A header of each kind that says this size; JPEG's stands behind a profile of more than one segment."""
    big, little = (
        (width.to_bytes(size, order), height.to_bytes(size, order)) for size, order in ((4, "big"), (4, "little"))
    )
    profile = b"\xff\xe2\xff\xff" + b"\xff\xd9" * 32_766 + b"\0"
    frame = b"\xff\xc2\x00\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    screen = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    extension = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    bits = (width - 1 | height - 1 << 14) & 0xFFFFFFF
    return {
        "a.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"".join(big) + b"\x08\x06\0\0\0",
        "b.jpg": b"\xff\xd8" + profile * 3 + b"junk\xff\xff" + frame + b"\xff\xda",
        "c.gif": b"GIF89a" + screen + b"\x81\0\0" + b"x" * 12 + extension + b"," + b"\0" * 9,
        "d.gif": b"GIF89a\x01\0\x01\0\0\0\0" + extension + b",\0\0\0\0" + screen + b"\0",
        "e.bmp": b"BM" + b"\0" * 12 + b"\x28\0\0\0" + little[0] + (-height).to_bytes(4, "little", signed=True),
        "f.bmp": b"BM" + b"\0" * 12 + b"\x0c\0\0\0" + screen + b"\0" * 4,
        "g.webp": b"RIFF....WEBPVP8X" + b"\0" * 8 + canvas,
        "h.webp": b"RIFF....WEBPVP8L....\x2f" + bits.to_bytes(4, "little") + b"\0" * 5,
        "i.webp": b"RIFF....WEBPVP8 ......." + b"\x9d\x01\x2a" + screen,
    }  # fmt: skip


async def test_a_picture_is_measured_before_anybody_unpacks_it(upload: Any, services: Services) -> None:
    for name, content in _pictures(16_000, 16_000).items():
        answer = await upload(name, content)
        assert (answer.status_code, answer.json()["code"]) == (413, "picture_too_large"), name
    assert _stored(services) == []
    for name, content in _pictures(4000, 3000).items():
        assert (await upload(name, content)).status_code == 200, name


async def test_the_limit_of_pictures_is_a_setting(upload: Any, services: Services, monkeypatch: Any) -> None:
    _change(services, monkeypatch, max_picture_pixels=300 * 200)
    for name, content in _pictures(300, 200).items():
        assert (await upload(name, content)).status_code == 200, name
    for name, content in _pictures(300, 201).items():
        assert (await upload(name, content)).status_code == 413, name


async def test_a_header_without_an_end_is_refused(upload: Any, services: Services) -> None:
    tiny = b"\xff\xe0\0\x02" * 100_000
    for name, content in (
        ("a.jpg", b"\xff\xd8\xff\xe0\0\x02" + b"\0" * 1_000_000),
        ("b.jpg", b"\xff\xd8" + tiny),
        ("c.gif", b"GIF89a" + b"\0" * 7 + b"!\xfe" + b"\x01x" * 500_000),
    ):
        answer = await upload(name, content)
        assert (answer.status_code, answer.json()["code"]) == (415, "file_type_mismatch"), name
    assert _stored(services) == []


async def test_many_at_once_never_exceed_the_room(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services
) -> None:
    answers = await asyncio.gather(*(upload(f"{number}.txt", b"x" * 500 * KIB) for number in range(20)))
    codes = [answer.status_code for answer in answers]
    refused = [answer.json()["code"] for answer in answers if answer.status_code != 200]
    assert set(refused) == {"room_files_full"}
    listed = (await client.get(f"/room/{room_id}/files", headers=ada.headers)).json()["data"]
    assert len(listed) == codes.count(200) == len(_stored(services))
    total = sum(path.stat().st_size for path in _stored(services))
    assert total == sum(file["size"] for file in listed) <= 4096 * KIB
    # What is still free can be used, and what was deleted is free again.
    await client.delete(f"/room/{room_id}/files", headers=ada.headers)
    assert (await upload("a.txt", b"x" * 2000 * KIB)).status_code == 200


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services, monkeypatch: Any, number: int
) -> None:
    def full(_descriptor: int, _data: object) -> None:
        raise OSError(number, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(drafts, "_write_all", full)
        answer = await upload("a.txt", b"x" * 1500 * KIB)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    with monkeypatch.context() as patch:
        patch.setattr(services.storage, "free", lambda: 10)
        assert (await upload("a.txt")).status_code == 507
    assert (await client.get(f"/room/{room_id}/files", headers=ada.headers)).json()["data"] == []
    assert _stored(services) == []
    assert (await upload("a.txt")).status_code == 200


async def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    from rostrum.storage import ObjectStorage, StorageFull

    made = tmp_path / "small"
    made.mkdir()
    mount = await asyncio.create_subprocess_exec("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(made))
    if await mount.wait() != 0:
        pytest.skip("This user may not mount a small file system.")
    try:
        storage = ObjectStorage(made)
        with pytest.raises(StorageFull):
            async with storage.draft() as draft:
                for _ in range(5):
                    await draft.write(b"x" * 1_048_576)
        assert _files_below(made) == []
        async with storage.draft() as draft:
            await draft.write(b"x" * 1_048_576)
            await storage.keep(draft, "files/a")
        assert [path.name for path in _files_below(made)] == ["a"]
    finally:
        await (await asyncio.create_subprocess_exec("umount", str(made))).wait()


async def test_the_database_fails_after_the_object_is_kept(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services, monkeypatch: Any
) -> None:
    async def fail(*_: object) -> bool:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(files_service.store, "take_turn", fail)
        assert (await upload("a.txt")).status_code == 500
    assert _stored(services) == []


async def test_a_commit_of_which_nobody_heard_the_end(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services, monkeypatch: Any
) -> None:
    commit = AsyncSession.commit

    async def lose_the_answer(session: AsyncSession) -> None:
        of_a_file = any(isinstance(row, RoomFile) for row in session)
        await commit(session)
        if of_a_file:
            raise DatabaseUnavailable(retry_after=1)

    with monkeypatch.context() as patch:
        patch.setattr(AsyncSession, "commit", lose_the_answer)
        assert (await upload("a.txt")).status_code == 503
    [listed] = (await client.get(f"/room/{room_id}/files", headers=ada.headers)).json()["data"]
    got = await client.get(f"/room/{room_id}/files/{listed['filename']}?download=1", headers=ada.headers)
    assert (got.status_code, got.content) == (200, b"Hello")


async def test_what_a_crash_leaves_is_swept(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services
) -> None:
    filename = (await upload("a.txt")).json()["data"]["filename"]
    [kept] = _stored(services)
    data = services.settings.data_dir
    orphan = data / "objects" / "files" / room_id / ("0" * 24)
    orphan.write_bytes(b"x")
    (data / "incoming" / "half").write_bytes(b"x")
    await services.storage.start()
    await services.files.start()
    assert _stored(services) == [kept]
    got = await client.get(f"/room/{room_id}/files/{filename}?download=1", headers=ada.headers)
    assert got.content == b"Hello"


async def test_an_object_that_was_lost(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services
) -> None:
    filename = (await upload("a.txt")).json()["data"]["filename"]
    _stored(services)[0].unlink()
    got = await client.get(f"/room/{room_id}/files/{filename}?download=1", headers=ada.headers)
    assert (got.status_code, got.json()["code"]) == (502, "storage_unavailable")
    assert (await client.delete(f"/room/{room_id}/files/{filename}", headers=ada.headers)).status_code == 200


async def test_the_files_go_with_their_room(
    client: httpx.AsyncClient, ada: Any, room_id: str, upload: Any, services: Services
) -> None:
    await upload("a.txt")
    assert (await client.delete(f"/v1/rooms/{room_id}", headers=ada.headers)).status_code < 300
    assert _stored(services) == []


async def test_objects_are_the_servers_alone(upload: Any, services: Services) -> None:
    await upload("a.txt")
    assert [path.stat().st_mode & 0o077 for path in _stored(services)] == [0]


async def test_uploads_are_limited(upload: Any, services: Services, monkeypatch: Any) -> None:
    _change(services, monkeypatch, upload_limit_user="2/hour")
    codes = [(await upload("a.txt")).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
