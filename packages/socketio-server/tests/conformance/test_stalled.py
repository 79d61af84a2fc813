"""F13, F14, P15: viewers that stop reading, and connections that are cut without a word."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from .conftest import Keep
from .subject import Subject, ours_alone
from .wire import Polling, Raw, WebSocket

pytestmark = ours_alone

#: A client that shakes hands, joins a room, says so and then reads on for ever.
SLEEPER = """
import os, socket, struct, sys
def frame(text):
    return bytes((0x81, 0x80 | len(text))) + bytes(4) + text
place = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
place.sendall(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\n"
  b"Connection: Upgrade\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n")
seen = b""
while b'"maxPayload"' not in seen:
    seen += place.recv(4096)
place.sendall(frame(b"40") + frame(b'42["join","sleepers"]'))
while b'"auth"' not in seen:
    seen += place.recv(4096)
print("ready", flush=True)
while data := place.recv(65536):
    if b"2" == data[-1:]:
        place.sendall(frame(b"3"))
"""


async def _stall(subject: Subject, keep: Keep, room: str) -> Raw:
    client = await keep(Raw.join(subject.port))
    client.send(1, f'421["join","{room}"]'.encode())
    while (await client.frame())[1][:3] != b"431":
        pass
    client.writer.transport.pause_reading()
    return client


@pytest.mark.parametrize("overflow", ["drop", "coalesce", "disconnect"])
async def test_a_stalled_viewer_costs_little_and_is_dropped_with_a_reason(
    make_subject: Callable[..., Subject], keep: Keep, overflow: str
) -> None:
    subject = make_subject(overflow=overflow, stallSeconds=2.0)
    stalled = [await _stall(subject, keep, "hall") for _ in range(8)]
    reader = await keep(WebSocket.join(subject.url))
    await reader.call("join", "hall")
    before = subject.memory()
    await reader.send('429["flood","hall",200,100000]')  # 20 MB.
    numbers = []
    most = 0
    async with asyncio.timeout(60):
        while True:
            packet = await reader.text()
            if packet.startswith("439["):
                break
            if packet.startswith('42["said"'):
                numbers.append(int(packet[len('42["said",') :].split(",", 1)[0]))
            most = max(most, subject.memory() - before)
    assert numbers == list(range(200)), "the others hear everything, in order"
    assert most < len(stalled) << 20, f"{most / len(stalled) / (1 << 20):.1f} MiB a stalled viewer"
    watcher = await keep(WebSocket.join(subject.url))
    async with asyncio.timeout(30):
        while True:
            (reasons,) = await watcher.call("reasons")
            if len(reasons) >= len(stalled):
                break
            await asyncio.sleep(0.1)
    assert {reason for _one, reason in reasons} <= {"transport error", "transport close", "ping timeout"}, reasons
    assert len((await watcher.call("present"))[0]) == 2


async def test_stalled_viewers_of_different_rooms_cost_a_mebibyte_each(
    make_subject: Callable[..., Subject], keep: Keep
) -> None:
    """What waits for them has nothing in common, and comes ten messages at once."""
    subject = make_subject(overflow="drop", stallSeconds=30.0)
    halls = [f"hall {number}" for number in range(16)]
    for hall in halls:
        await _stall(subject, keep, hall)
    speaker = await keep(WebSocket.join(subject.url))
    before = subject.memory()
    for hall in halls:
        assert await speaker.call("flood", hall, 100, 100_000) == [100]
    held = subject.memory() - before
    assert len(halls) << 19 < held < (len(halls) + 4) << 20, f"{held / len(halls) / (1 << 20):.2f} MiB each"
    assert (await speaker.call("reasons"))[0] == []


async def test_a_stalled_poller_costs_little(make_subject: Callable[..., Subject], keep: Keep) -> None:
    subject = make_subject(overflow="drop", stallSeconds=2.0)
    poller = await keep(Polling.join(subject.url))
    await poller.post('42["join","hall"]')
    reader = await keep(WebSocket.join(subject.url))
    await reader.call("join", "hall")
    before = subject.memory()
    assert await reader.call("flood", "hall", 200, 100_000) == [200]
    assert subject.memory() - before < 12 << 20
    await reader.call("ack", 1)


async def test_a_viewer_that_reads_again_in_time_goes_on(make_subject: Callable[..., Subject], keep: Keep) -> None:
    subject = make_subject(overflow="drop", stallSeconds=20.0)
    client = await _stall(subject, keep, "hall")
    speaker = await keep(WebSocket.join(subject.url))
    assert await speaker.call("flood", "hall", 100, 100_000) == [100]
    client.writer.transport.resume_reading()
    client.send(1, b'422["ack","back"]')
    numbers = []
    while True:
        _opcode, payload = await client.frame()
        if payload.startswith(b"432["):
            break
        if payload.startswith(b'42["said"'):
            numbers.append(int(payload[len(b'42["said",') :].split(b",", 1)[0]))
    assert payload == b'432["back"]'
    assert numbers == sorted(set(numbers)), "what is dropped leaves the rest in order"
    assert 0 < len(numbers) < 100


async def test_half_open_sockets_are_gone_after_ping_interval_and_time_out(hasty: Subject, keep: Keep) -> None:
    before, descriptors = len(await _present(hasty, keep)), hasty.descriptors()
    sleepers = [
        subprocess.Popen([sys.executable, "-c", SLEEPER, str(hasty.port)], stdout=subprocess.PIPE) for _ in range(5)
    ]
    try:
        for sleeper in sleepers:
            assert sleeper.stdout is not None
            assert await asyncio.to_thread(sleeper.stdout.readline) == b"ready\n"
        assert len(await _present(hasty, keep)) >= before + 5
        for sleeper in sleepers:
            os.kill(sleeper.pid, signal.SIGSTOP)
        async with asyncio.timeout(15):
            while len(await _present(hasty, keep)) > before:
                await asyncio.sleep(0.1)
        await hasty.settled(descriptors + 3)
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
            assert sleeper.stdout is not None
            sleeper.stdout.close()


async def test_everything_is_back_to_where_it_was(subject: Subject, keep: Keep) -> None:
    watcher = await keep(WebSocket.join(subject.url))
    await asyncio.sleep(0.5)
    descriptors, (tasks,) = subject.descriptors(), await watcher.call("tasks")
    for _ in range(3):
        members = [await WebSocket.join(subject.url) for _ in range(20)]
        for member in members:
            await member.close()
    await subject.settled(descriptors + 2)
    async with asyncio.timeout(10):
        while (await watcher.call("tasks"))[0] > tasks + 2:
            await asyncio.sleep(0.1)


async def _present(subject: Subject, keep: Keep) -> list[str]:
    """Who is there, without whoever asks."""
    client = await WebSocket.join(subject.url)
    try:
        (present,) = await client.call("present")
        return [one for one in present if one != client.id]
    finally:
        await client.close()
