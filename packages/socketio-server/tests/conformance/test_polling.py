"""Engine.IO 4 over HTTP: payloads, binary, and requests that close a session."""

import asyncio
import base64
import json
from typing import Any

import aiohttp
import pytest

from .conftest import Keep
from .subject import REFERENCE, Subject, ours_alone
from .wire import Polling

SEPARATOR = "\x1e"


async def test_a_post_is_answered_with_ok(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.open(subject.url))
    assert await client.post("40") == (200, "ok")


async def test_several_packets_go_in_one_payload_each_way(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    payload = SEPARATOR.join(f'42["echo",{number}]' for number in range(5))
    assert (await client.post(payload))[0] == 200
    packets: list[str] = []
    while len(packets) < 5:
        packets += await client.packets()
    assert packets == [f'42["echo",{number}]' for number in range(5)]


async def test_what_waits_goes_out_in_one_payload(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    await client.post('42["burst",5]')
    await asyncio.sleep(0.2)
    assert await client.packets() == [f'42["burst",{number}]' for number in range(5)]


async def test_a_poll_waits_until_there_is_something(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    poll = asyncio.ensure_future(client.packets())
    await asyncio.sleep(0.3)
    assert not poll.done()
    await client.post('42["echo","late"]')
    assert await poll == ['42["echo","late"]']


async def test_binary_goes_as_base64_with_a_b_before_it(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    parts = [bytes(range(256)), b"\x1e\x1e"]
    holders = [{"_placeholder": True, "num": number} for number in range(2)]
    lines = ["452-" + json.dumps(["echo", *holders]), *("b" + base64.b64encode(part).decode() for part in parts)]
    assert (await client.post(SEPARATOR.join(lines)))[0] == 200
    packets: list[str] = []
    while len(packets) < 3:
        packets += await client.packets()
    assert packets[0].startswith("452-") and json.loads(packets[0][4:])[0] == "echo"
    assert [base64.b64decode(packet[1:]) for packet in packets[1:]] == parts
    assert all(packet[0] == "b" for packet in packets[1:])


async def test_text_of_any_script_survives(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    said = 'ü € 漢字 🎉 \u2028 \\ " \x7f'
    await client.post("42" + json.dumps(["echo", said], ensure_ascii=False))
    (packet,) = await client.packets()
    assert json.loads(packet[2:]) == ["echo", said]


@pytest.mark.parametrize("body", ["abc", "9", "x4", "\x1e"])
async def test_a_payload_that_is_none_closes_the_session(subject: Subject, keep: Keep, body: str) -> None:
    client = await keep(Polling.open(subject.url))
    status, _answer = await client.post(body)
    assert status in (200, 400)  # The protocol's document asks for the end of the session; Node's server answers 200.
    if not REFERENCE:
        assert status == 400
    assert await _is_over(client)


async def test_an_empty_payload_is_harmless_or_the_end(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.open(subject.url))
    assert (await client.post(""))[0] in (200, 400)
    await keep(Polling.join(subject.url))


async def test_a_payload_over_the_limit_is_refused(make_subject: Any, keep: Keep) -> None:
    subject = make_subject(maxPayload=10_000)
    client = await keep(Polling.join(subject.url))
    assert client.opened["maxPayload"] == 10_000
    assert await _refused(client, '42["echo","' + "x" * 20_000 + '"]')
    other = await keep(Polling.join(subject.url))
    assert (await other.post('42["echo","' + "x" * 9_000 + '"]'))[0] == 200


@ours_alone
async def test_a_body_of_unknown_length_is_limited_too(make_subject: Any, keep: Keep) -> None:
    subject = make_subject(maxPayload=10_000)
    client = await keep(Polling.join(subject.url))

    async def drip() -> Any:
        yield b'42["echo","'
        for _ in range(50):
            yield b"x" * 1000

    try:
        async with client.session.post(f"{subject.url}/socket.io/?{client.query}", data=drip()) as response:
            assert response.status == 413
    except aiohttp.ClientError:
        pass  # The server need not read what it refuses.


async def test_two_polls_at_once_close_the_session(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    first = asyncio.ensure_future(client.get())
    await asyncio.sleep(0.2)
    status, _body = await client.get()
    assert status in (400, 500)
    assert await first == (200, "1") or (await first)[0] in (200, 400)
    assert await _is_over(client)


async def test_two_posts_at_once_are_refused_or_in_order(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    started = asyncio.Event()

    async def slowly() -> Any:
        yield b'42["echo",'
        started.set()
        await asyncio.sleep(0.3)
        yield b"1]"

    async def slow_post() -> int:
        try:
            async with client.session.post(f"{subject.url}/socket.io/?{client.query}", data=slowly()) as response:
                return response.status
        except aiohttp.ClientError:
            return 400

    slow = asyncio.ensure_future(slow_post())
    await started.wait()
    await asyncio.sleep(0.1)
    statuses = {(await client.post('42["echo",2]'))[0], await slow}
    assert statuses <= {200, 400, 500}


async def test_a_poll_that_the_client_gives_up_closes_the_session(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    poll = asyncio.ensure_future(client.get())
    await asyncio.sleep(0.3)
    poll.cancel()
    await asyncio.sleep(0.3)
    assert await _is_over(client)


async def test_a_close_packet_ends_the_session_and_its_poll(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    poll = asyncio.ensure_future(client.get())
    await asyncio.sleep(0.2)
    assert (await client.post("1"))[0] == 200
    assert await poll == (200, "6")
    assert await _is_over(client)


async def test_another_method_on_a_session_is_refused(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    for method in ("PUT", "DELETE", "PATCH"):
        assert (await client.request(method, client.query))[0] in (400, 405, 500, 501)
    assert (await client.post('42["echo",1]'))[0] == 200


@ours_alone
async def test_bodies_of_polls_that_are_not_utf8_are_refused(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    status, _body = await client.post(b'42["echo","\xff\xfe"]')
    assert status == 400
    assert await _is_over(client)


async def test_bad_base64_does_not_harm(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    await client.post('451-["echo",{"_placeholder":true,"num":0}]\x1eb!!!=')
    other = await keep(Polling.join(subject.url))
    assert (await other.post('42["echo",1]'))[0] == 200


async def _is_over(client: Polling) -> bool:
    try:
        async with asyncio.timeout(10):
            return (await client.get())[0] == 400
    except aiohttp.ClientError:
        return False


async def _refused(client: Polling, body: str) -> bool:
    try:
        return (await client.post(body))[0] == 413
    except aiohttp.ClientError:
        return True  # The server need not read what it refuses.
