"""What can go wrong with rooms."""

from rostrum.kit.errors import InvalidInput, NotFound, RostrumError


class RoomNotFound(NotFound):
    """There is no such room, or none that the caller may know of: a private one, or another tenant's."""

    code = "room_not_found"
    sentence = "There is no such room."


class InvalidRoomId(InvalidInput):
    """A room id has 1 to 64 characters out of letters, digits, - and _."""

    code = "invalid_room_id"
    sentence = "A room id has 1 to 64 letters, digits, hyphens or underscores."


class RoomExists(RostrumError):
    """Somebody else has made a room of this id in this very moment."""

    code = "room_exists"
    status = 409
    sentence = "A room of this id exists already."
