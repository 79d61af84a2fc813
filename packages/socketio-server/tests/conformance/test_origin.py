"""S19: pages of foreign origins are refused on both transports, and CORS headers name allowed origins alone."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from .conftest import Keep
from .subject import Subject, ours_alone
from .wire import Polling, WebSocket

pytestmark = ours_alone

GOOD, EVIL = "https://good.example", "https://evil.example"


@pytest.fixture(scope="session")
def guarded(make_subject: Callable[..., Subject]) -> Subject:
    """A server that lets pages of one origin in."""
    return make_subject(origins=[GOOD])


async def _ask(keep: Keep, subject: Subject, method: str, query: str, **headers: str) -> aiohttp.ClientResponse:
    client = await keep(_polling(subject))
    response = await client.session.request(method, f"{subject.url}/socket.io/?{query}", headers=headers)
    await response.read()
    return response


async def test_polling_of_an_allowed_origin(guarded: Subject, keep: Keep) -> None:
    response = await _ask(keep, guarded, "GET", "EIO=4&transport=polling", Origin=GOOD)
    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == GOOD
    assert "origin" in response.headers.get("Vary", "").lower()


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "https://good.example.evil.example", "http://good.example", GOOD + "/"]
)
async def test_polling_of_a_foreign_origin_is_refused(guarded: Subject, keep: Keep, origin: str) -> None:
    response = await _ask(keep, guarded, "GET", "EIO=4&transport=polling", Origin=origin)
    assert response.status in (400, 403)
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_session_is_not_read_by_a_foreign_origin(guarded: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(guarded.url))
    for method in ("GET", "POST"):
        response = await _ask(keep, guarded, method, client.query, Origin=EVIL)
        assert response.status in (400, 403)
        assert "Access-Control-Allow-Origin" not in response.headers
    assert (await client.post('42["echo",1]'))[0] == 200


async def test_a_preflight_is_answered_for_allowed_origins_alone(guarded: Subject, keep: Keep) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    good = await _ask(keep, guarded, "OPTIONS", "EIO=4&transport=polling", Origin=GOOD, **asked)
    assert good.status in (200, 204)
    assert good.headers["Access-Control-Allow-Origin"] == GOOD
    assert (
        good.headers.get("Access-Control-Allow-Credentials") != "true"
        or good.headers["Access-Control-Allow-Origin"] != "*"
    )
    evil = await _ask(keep, guarded, "OPTIONS", "EIO=4&transport=polling", Origin=EVIL, **asked)
    assert "Access-Control-Allow-Origin" not in evil.headers


async def test_websocket_of_an_allowed_origin(guarded: Subject, keep: Keep) -> None:
    await keep(WebSocket.join(guarded.url, Origin=GOOD))


@pytest.mark.parametrize("origin", [EVIL, "null"])
async def test_websocket_of_a_foreign_origin_is_refused(guarded: Subject, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await WebSocket.connect(guarded.url, Origin=origin)
    assert refused.value.status in (400, 403)


async def test_an_upgrade_by_a_foreign_origin_is_refused(guarded: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(guarded.url))
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await WebSocket.connect(guarded.url, f"EIO=4&transport=websocket&sid={client.sid}", Origin=EVIL)


async def test_programs_without_an_origin_come_in(guarded: Subject, keep: Keep) -> None:
    await keep(WebSocket.join(guarded.url))
    await keep(Polling.join(guarded.url))


async def test_without_a_rule_no_page_of_another_host_is_told_that_it_may(subject: Subject, keep: Keep) -> None:
    response = await _ask(keep, subject, "GET", "EIO=4&transport=polling", Origin=EVIL)
    allowed = response.headers.get("Access-Control-Allow-Origin")
    credentials = response.headers.get("Access-Control-Allow-Credentials") == "true"
    assert not (credentials and allowed in ("*", EVIL))


async def _polling(subject: Subject) -> Any:
    return Polling(subject.url)
