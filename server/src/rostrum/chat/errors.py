"""What can go wrong in chat."""

from rostrum.kit.errors import InvalidInput


class EmptyMessage(InvalidInput):
    """The message has neither text nor a file."""

    code = "empty_message"
    sentence = "A message needs text or a file."


class MessageTooLong(InvalidInput):
    """The text is longer than 4 KB."""

    code = "message_too_long"
    sentence = "A message has at most 4096 bytes of text."
