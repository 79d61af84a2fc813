"""What clients put into the live core's events."""

from typing import Annotated, Any, Literal

import msgspec

from rostrum.kit.messages import Id, Message

Name = Annotated[str, msgspec.Meta(max_length=200)]


class RoomRef(Message, frozen=True):
    """Names a room."""

    room_id: Id


class Join(Message, frozen=True):
    """`join`. `resume` is the secret from an earlier acknowledgement; `fresh` gives up the media of that time; `media`
    asks for media in the same answer."""

    room_id: Id
    name: Name | None = None
    resume: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    fresh: bool = False
    media: dict[str, Any] | None = None


class MeetJoin(Message, frozen=True):
    """`room.join` of the meet set."""

    room_id: Id
    user_name: Name | None = None


class CohostResponse(Message, frozen=True):
    """`cohost:respond`: names the request, or its author by peer or socket."""

    accepted: bool
    request_id: Id | None = None
    socket_id: Id | None = None
    peer_id: Id | None = None


class PeerRef(Message, frozen=True):
    """Names another peer, by its id or its socket's."""

    peer_id: Id | None = None
    id: Id | None = None
    socket_id: Id | None = None


class Lock(Message, frozen=True):
    """`room:lock`."""

    locked: bool = True


class Reaction(Message, frozen=True):
    """`reaction`."""

    kind: Literal["like", "clap", "heart", "laugh", "wow", "celebrate", "hand"]
