"""What can go wrong in a live room."""

from rostrum.kit.errors import Forbidden, NotFound, RostrumError


class NotInRoom(RostrumError):
    """The socket has not joined a room, or has left it."""

    code = "not_in_room"
    status = 409
    sentence = "not currently in a room"


class PeerNotFound(NotFound):
    """The room has no such peer."""

    code = "peer_not_found"
    sentence = "There is no such participant in this room."


class RequestNotFound(NotFound):
    """The co-host request does not exist, was answered, or its author has left."""

    code = "request_not_found"
    sentence = "There is no such request in this room."


class HostOnly(Forbidden):
    """Only a host of the room may do this."""

    code = "host_only"
    sentence = "Only the host may do this."


class StageOnly(Forbidden):
    """Only hosts and co-hosts may do this."""

    sentence = "Only hosts and co-hosts may do this."


class AlreadyOnStage(RostrumError):
    """A host or co-host asked to become co-host."""

    code = "already_cohost"
    status = 409
    sentence = "You are on stage already."


class RoomLocked(Forbidden):
    """The host has locked the room."""

    code = "room_locked"
    sentence = "The host has locked this room."


class RoomFull(RostrumError):
    """The room has as many participants as it may have."""

    code = "room_full"
    status = 409
    sentence = "This room is full."


class RemovedFromRoom(Forbidden):
    """A host has removed this person; the session does not take them back."""

    code = "removed_from_room"
    sentence = "The host has removed you from this room."
