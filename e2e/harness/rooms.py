"""Rooms for the tests, made over REST, and the links that lead into them."""

import json
import urllib.request
from dataclasses import dataclass

from e2e.harness.server import Demo


@dataclass(frozen=True)
class RoomLinks:
    """One room, with the links that its host and its viewers open."""

    room_id: str
    host_link: str
    viewer_link: str


def create_room(demo: Demo, name: str = "Quarterly review", **wanted: object) -> RoomLinks:
    """Make a webinar room that belongs to the demo's host. Raises urllib.error.HTTPError when refused."""
    body = json.dumps({"name": name, "type": "webinar", **wanted}).encode()
    headers = {
        "Content-Type": "application/json",
        "x-api-key": demo.publishable_key,
        "Authorization": f"Bearer {demo.host_token}",
    }
    request = urllib.request.Request(f"{demo.url}/room/create", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        room_id = str(json.load(answer)["data"]["id"])
    viewer_link = f"{demo.url}/join/{room_id}#k={demo.publishable_key}"
    return RoomLinks(room_id, f"{viewer_link}&t={demo.host_token}", viewer_link)
