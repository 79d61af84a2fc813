"""`pymediasoup` from PyPI joins over Socket.IO; a browser decodes what it sends, and the reverse."""

from collections.abc import Iterator

import pytest

from e2e.conftest import NewAttendee
from e2e.harness import media
from e2e.harness.python_peer import Loop, PythonPeer
from e2e.harness.rooms import RoomLinks
from e2e.harness.server import DemoServer
from e2e.harness.wait import until


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop for the Python client."""
    running = Loop()
    yield running
    running.close()


async def _new_peer() -> PythonPeer:
    # aiortc's objects bind to the loop that is running when they are made.
    return PythonPeer()


def test_a_browser_decodes_what_pymediasoup_sends(
    people: NewAttendee, server: DemoServer, room: RoomLinks, loop: Loop
) -> None:
    demo = server.demo
    peer = loop.run(_new_peer())
    auth = {"apiKey": demo.publishable_key, "token": demo.host_token}
    joined = loop.run(peer.enter(demo.url, room.room_id, "Python", auth))
    assert joined["role"] == "host"
    assert len(set(loop.run(peer.publish()))) == 2

    viewer = people("Vera Viewer")
    viewer.join(room.viewer_link)
    media.decodes(viewer.page, 30)
    media.hears(viewer.page)
    loop.run(peer.leave())


def test_pymediasoup_decodes_what_a_browser_sends(
    people: NewAttendee, server: DemoServer, room: RoomLinks, loop: Loop
) -> None:
    demo = server.demo
    host = people("Hana Host")
    host.join(room.host_link)
    host.is_live()

    peer = loop.run(_new_peer())
    joined = loop.run(peer.enter(demo.url, room.room_id, "Python", {"apiKey": demo.publishable_key}))
    assert joined["role"] == "viewer"
    assert loop.run(peer.receive_all()) == 2
    until("30 pictures decoded by aiortc", lambda: peer.frames["video"] >= 30, timeout=20)
    until("50 sound frames decoded by aiortc", lambda: peer.frames["audio"] >= 50, timeout=20)
    loop.run(peer.leave())
