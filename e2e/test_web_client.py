"""What a person meets in the web client beside the happy path."""

from functools import partial

from playwright.sync_api import expect

from e2e.conftest import NewAttendee
from e2e.harness import media
from e2e.harness.attendee import Attendee
from e2e.harness.rooms import RoomLinks, create_room
from e2e.harness.server import DemoServer
from e2e.harness.wait import until

# A page keeps what it was told and what it showed: a floating reaction is gone before a busy machine looks.
_KEEP_REACTIONS = """() => {
  [window.sums, window.floats] = [[], []];
  const kept = (node) => node.dataset?.testid === "floating-reaction";
  new MutationObserver((changes) => changes.flatMap((change) => [...change.addedNodes]).filter(kept)
    .forEach(({ dataset: { kind, count, own } }) => window.floats.push({ kind, count, own })))
    .observe(document.body, { childList: true, subtree: true });
  window.rostrum.room.on("reactions", (counts) => setTimeout(() => window.sums.push(counts)));
}"""


def _host(people: NewAttendee, room: RoomLinks) -> Attendee:
    host = people("Hana Host")
    host.join(room.host_link)
    host.is_live()
    return host


def _viewer(people: NewAttendee, room: RoomLinks, name: str = "Vera Viewer") -> Attendee:
    viewer = people(name)
    viewer.join(room.viewer_link)
    return viewer


def test_a_viewer_who_comes_first_waits_and_then_sees_the_host(people: NewAttendee, room: RoomLinks) -> None:
    viewer = _viewer(people, room)
    expect(viewer.find("waiting")).to_be_visible()
    host = _host(people, room)
    expect(viewer.find("waiting")).to_have_count(0, timeout=10_000)
    media.decodes(viewer.page, 15)
    expect(viewer.tile(host.peer_id())).to_be_visible()


def test_the_viewer_count_follows(people: NewAttendee, room: RoomLinks) -> None:
    host = _host(people, room)
    one, two = _viewer(people, room, "Vera One"), _viewer(people, room, "Vito Two")
    expect(host.find("viewer-count")).to_contain_text("2", timeout=8_000)
    two.find("leave").click()
    expect(host.find("viewer-count")).to_contain_text("1", timeout=8_000)
    assert one.state("viewerCount") == 1


def test_muting_is_seen_by_the_viewer_and_sends_nothing(people: NewAttendee, room: RoomLinks) -> None:
    host = _host(people, room)
    viewer = _viewer(people, room)
    media.decodes(viewer.page, 10)
    media.hears(viewer.page)
    streams = f"peers.{host.peer_id()}.streams"

    host.find("mic-toggle").click()
    until(
        "the viewer sees the muted mic",
        lambda: not viewer.state(f"{streams}.mic") or viewer.state(f"{streams}.mic.paused"),
    )
    host.find("camera-toggle").click()
    until(
        "the viewer sees the camera off",
        lambda: not viewer.state(f"{streams}.camera") or viewer.state(f"{streams}.camera.paused"),
    )
    expect(viewer.tile(host.peer_id())).to_be_visible()

    for toggle in ("mic-toggle", "camera-toggle"):
        host.find(toggle).click()
    media.decodes(viewer.page, 10)
    media.hears(viewer.page)


def test_a_reaction_by_keyboard_is_seen_by_both_and_once(people: NewAttendee, room: RoomLinks) -> None:
    host, viewer = people("Hana Host"), _viewer(people, room)
    host.join(room.host_link)
    for person in (host, viewer):
        person.page.evaluate(_KEEP_REACTIONS)
    viewer.find("reactions-toggle").focus()
    for key in ("Enter", "ArrowRight", "Enter"):
        viewer.page.keyboard.press(key)

    for person, own in ((host, "false"), (viewer, "true")):
        until("the room's sum is heard", partial(person.page.evaluate, "() => window.sums.length"))
        assert person.page.evaluate("() => window.floats") == [{"kind": "clap", "count": "1", "own": own}]
    expect(viewer.find("reactions-spoken")).to_have_text("You reacted: Applause.")

    viewer.page.keyboard.press("Escape")
    expect(viewer.find("reaction")).to_have_count(0)
    expect(viewer.find("reactions-toggle")).to_be_focused()


def test_a_host_who_leaves_is_gone_for_the_viewer(people: NewAttendee, room: RoomLinks) -> None:
    host = _host(people, room)
    viewer = _viewer(people, room)
    tile = viewer.tile(host.peer_id())
    expect(tile).to_be_visible(timeout=15_000)
    host.find("leave").click()
    expect(tile).to_have_count(0, timeout=8_000)
    expect(host.find("closed-page")).to_be_visible()
    assert viewer.state("connection") == "joined"


def test_a_viewer_reloads_in_mid_webinar(people: NewAttendee, room: RoomLinks) -> None:
    host = _host(people, room)
    viewer = _viewer(people, room)
    host.say("said before the reload")
    viewer.reads("said before the reload")
    viewer.page.reload()
    # A reload may lead back to the lobby: a browser lets no page play sound before a gesture.
    until(
        "the lobby or the stage",
        lambda: viewer.find("join-button").is_visible() or viewer.state("connection") == "joined",
    )
    if viewer.find("join-button").is_visible():
        viewer.enter()
    media.decodes(viewer.page, 15)
    viewer.reads("said before the reload")


def test_a_host_reloads_in_mid_webinar(people: NewAttendee, room: RoomLinks) -> None:
    host = _host(people, room)
    viewer = _viewer(people, room)
    media.decodes(viewer.page, 10)
    host.page.reload()
    host.enter()
    host.is_live()
    media.decodes(viewer.page, 15)
    hosts = list(viewer.page.evaluate("() => [...window.rostrum.room.state.peers.values()].map(p => p.role)"))
    assert hosts.count("host") == 1


def test_a_removed_viewer_is_told_and_does_not_come_back(people: NewAttendee, room: RoomLinks) -> None:
    host = _host(people, room)
    viewer = _viewer(people, room, "Rude Guest")
    media.decodes(viewer.page, 5)
    host.open_people()
    entry = host.page.locator(f'[data-testid="person"][data-peer-id="{viewer.peer_id()}"]')
    entry.get_by_test_id("person-remove").click()
    host.find("confirm-yes").click()
    expect(viewer.find("closed-page")).to_be_visible(timeout=8_000)
    until(
        "nothing is received any more",
        lambda: not viewer.page.evaluate("() => window.__probe.inbound('video').then((l) => l.length)"),
    )
    assert host.state("connection") == "joined"


def test_a_private_room_is_closed_to_guests(people: NewAttendee, server: DemoServer) -> None:
    private = create_room(server.demo, isPrivate=True)
    stranger = people("Stranger")
    stranger.open(private.viewer_link)
    expect(stranger.find("closed-page")).to_be_visible(timeout=8_000)
    assert not stranger.find("join-button").is_visible()


def test_an_unknown_room_says_so(people: NewAttendee, server: DemoServer) -> None:
    stranger = people("Stranger")
    stranger.open(f"{server.demo.url}/join/{'0' * 24}#k={server.demo.publishable_key}")
    expect(stranger.find("closed-page")).to_be_visible(timeout=8_000)


def test_end_for_all_closes_the_viewers_page(people: NewAttendee, room: RoomLinks) -> None:
    host = _host(people, room)
    viewer = _viewer(people, room)
    media.decodes(viewer.page, 5)
    host.find("end").click()
    host.find("end-confirm").click()
    for person in (host, viewer):
        expect(person.find("closed-page")).to_be_visible(timeout=8_000)
