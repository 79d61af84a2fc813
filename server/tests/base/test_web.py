"""The web client's files: its page on every join link, its assets compressed and cached for good."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from rostrum.main import create_app
from rostrum.settings import Settings

SCRIPT = b"console.log('live');" * 500


@pytest.fixture
async def built(settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>The client</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (folder / "assets" / "font-abc.woff2").write_bytes(b"wOF2")
    (tmp_path / "secret.txt").write_text("secret")
    app = create_app(settings.model_copy(update={"web_dir": folder}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
    app.services.auth.close()
    await app.services.db.close()


@pytest.mark.parametrize("path", ["/", "/join/68aff60d0d7bbb02c917906d", "/join/123"])
async def test_the_page(built: httpx.AsyncClient, path: str) -> None:
    answer = await built.get(path)
    assert "The client" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert (await built.head(path)).status_code == 200


async def test_assets_are_compressed_and_kept(built: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await built.get("/assets/index-abc.js", headers={"accept-encoding": "gzip, br"})
        assert answer.content == SCRIPT
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT, mtime=0)) < len(SCRIPT) / 10
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "accept-encoding"
        assert "javascript" in answer.headers["content-type"]
    plain = await built.get("/assets/index-abc.js", headers={"accept-encoding": "identity"})
    assert (plain.content, "content-encoding" in plain.headers) == (SCRIPT, False)
    font = await built.get("/assets/font-abc.woff2")
    assert (font.content, "content-encoding" in font.headers) == (b"wOF2", False)
    assert (await built.get("/favicon.svg")).headers["content-type"].startswith("image/svg")


@pytest.mark.parametrize(
    "path",
    ["/assets/..%2f..%2fsecret.txt", "/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt",
     "/assets//etc/passwd", "/assets/..%5c..%5csecret.txt", "/assets/%00", "/assets/", "/assets/" + "a" * 5000],
)  # fmt: skip
async def test_nothing_else_is_served(built: httpx.AsyncClient, path: str) -> None:
    answer = await built.get(path)
    assert answer.status_code in (404, 405)
    assert "secret" not in answer.text


async def test_the_page_of_a_new_password(client: httpx.AsyncClient) -> None:
    page = await client.get("/reset-password")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    script = await client.get("/reset-password.js")
    assert script.status_code == 200
    assert script.headers["content-type"].startswith("text/javascript")
    assert "/v1/auth/reset-password" in script.text


async def test_the_contract_is_browsable(built: httpx.AsyncClient) -> None:
    page = await built.get("/docs")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path, kind in (("/docs.js", "text/javascript"), ("/docs.css", "text/css")):
        assert path in page.text
        assert (await built.get(path)).headers["content-type"].startswith(kind)
    assert "http" not in page.text  # Nothing comes from another host.
