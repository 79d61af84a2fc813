"""What can go wrong with meetings."""

from rostrum.kit.errors import InvalidInput, NotFound


class MeetingNotFound(NotFound):
    """There is no such meeting, or none that the caller may know of: somebody else's, or another tenant's."""

    code = "meeting_not_found"
    sentence = "There is no such meeting."


class TooManyRecordings(InvalidInput):
    """The meeting names as many recordings as a meeting may."""

    code = "too_many_recordings"
    sentence = "A meeting has at most 1000 recordings."
