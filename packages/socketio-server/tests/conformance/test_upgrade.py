"""Engine.IO 4: from polling to WebSocket, without losing or doubling anything."""

import asyncio
import json

import aiohttp
import pytest

from .conftest import Keep
from .subject import Subject, ours_alone
from .wire import Gone, Polling, WebSocket


async def _probe(subject: Subject, client: Polling, keep: Keep) -> WebSocket:
    socket = await keep(WebSocket.connect(subject.url, f"EIO=4&transport=websocket&sid={client.sid}"))
    await socket.send("2probe")
    assert await socket.text() == "3probe"
    return socket


async def test_the_probe_is_answered_and_the_upgrade_completed(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    await socket.send("5")
    assert await socket.call("ack", "upgraded") == ["upgraded"]


async def test_a_pending_poll_is_closed_with_noop(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    poll = asyncio.ensure_future(client.get())
    await asyncio.sleep(0.2)
    socket = await _probe(subject, client, keep)
    assert await asyncio.wait_for(poll, 10) == (200, "6")
    await socket.send("5")
    assert await socket.call("ack", 1) == [1]


async def test_an_upgraded_session_does_not_answer_polls(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    await socket.send("5")
    assert await socket.call("ack", 1) == [1]
    assert (await client.get())[0] == 400
    assert (await client.post('42["echo",1]'))[0] == 400
    assert await socket.call("ack", 2) == [2]


async def test_a_second_upgrade_is_refused(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    await socket.send("5")
    assert await socket.call("ack", 1) == [1]
    await _refused(subject, client.sid)
    assert await socket.call("ack", 2) == [2]


@ours_alone
async def test_no_upgrade_when_already_websocket(subject: Subject, keep: Keep) -> None:
    socket = await keep(WebSocket.join(subject.url))
    await _refused(subject, socket.opened["sid"])
    assert await socket.call("ack", 1) == [1]


async def test_a_second_probe_while_the_first_is_under_way_is_refused(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    await _refused(subject, client.sid)
    await socket.send("5")
    assert await socket.call("ack", 1) == [1]


@pytest.mark.parametrize("wrong", ["2", "2other", "4hello", "3probe", "x", "1"])
async def test_a_wrong_probe_closes_that_socket_and_leaves_the_session(
    subject: Subject, keep: Keep, wrong: str
) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await keep(WebSocket.connect(subject.url, f"EIO=4&transport=websocket&sid={client.sid}"))
    await socket.send(wrong)
    await socket.closed()
    assert (await client.post('42["echo",1]'))[0] == 200
    assert await _events(client, 1) == [["echo", 1]]


async def test_a_probe_that_is_given_up_leaves_the_session(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    await socket.close()
    await asyncio.sleep(0.2)
    assert (await client.post('42["echo",1]'))[0] == 200
    assert await _events(client, 1) == [["echo", 1]]


async def test_what_is_sent_between_probe_and_upgrade_still_goes_by_polling_or_later_by_websocket(
    subject: Subject, keep: Keep
) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    assert (await client.post('42["burst",3]'))[0] == 200
    await asyncio.sleep(0.2)
    await socket.send("5")
    heard = [await _skip_noop(socket) for _ in range(3)]
    assert heard == [f'42["burst",{number}]' for number in range(3)]


@pytest.mark.parametrize("number", range(5))
async def test_messages_during_an_upgrade_are_neither_lost_nor_doubled_nor_reordered(
    subject: Subject, keep: Keep, number: int
) -> None:
    client = await keep(Polling.join(subject.url))
    heard: list[int] = []
    stop = asyncio.Event()

    async def poll() -> None:
        while not stop.is_set():
            status, body = await client.get()
            if status != 200:
                return
            heard.extend(_numbers(body.split("\x1e")))

    polling = asyncio.ensure_future(poll())
    await client.post('42["burst",100]')
    socket = await keep(WebSocket.connect(subject.url, f"EIO=4&transport=websocket&sid={client.sid}"))
    await client.post('42["burst",100]')
    await socket.send("2probe")
    assert await socket.text() == "3probe"
    # As clients do it: no further poll is begun once the probe is answered, and the last one comes to its end.
    stop.set()
    await client.post('42["burst",100]')
    await asyncio.wait_for(polling, 10)
    await asyncio.sleep(0.02 * number)
    await socket.send("5", '42["burst",100]')
    while len(heard) < 400:
        packet = await socket.text()
        heard.extend(_numbers([packet]))
    assert heard == list(range(100)) * 4
    await socket.silent(0.2)


async def test_a_session_that_closes_by_websocket_is_over(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    await socket.send("5")
    assert await socket.call("ack", 1) == [1]
    await socket.close()
    assert (await client.get())[0] == 400
    await _refused(subject, client.sid)


async def test_a_polling_session_that_ends_takes_its_probe_with_it(subject: Subject, keep: Keep) -> None:
    client = await keep(Polling.join(subject.url))
    socket = await _probe(subject, client, keep)
    await client.post("1")
    await socket.closed()


def _numbers(packets: list[str]) -> list[int]:
    return [json.loads(packet[2:])[1] for packet in packets if packet.startswith('42["burst"')]


async def _events(client: Polling, count: int) -> list[list[object]]:
    found: list[list[object]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += [json.loads(packet[2:]) for packet in await client.packets() if packet.startswith("42")]
    return found


async def _skip_noop(socket: WebSocket) -> str:
    packet = await socket.text()
    return await socket.text() if packet == "6" else packet


async def _refused(subject: Subject, sid: str) -> None:
    try:
        other = await WebSocket.connect(subject.url, f"EIO=4&transport=websocket&sid={sid}")
    except aiohttp.WSServerHandshakeError:
        return
    try:
        await other.send("2probe")
        with pytest.raises(Gone):
            assert await other.text() != "3probe"
            await other.text()
    except ConnectionError:
        pass
    finally:
        await other.close()
