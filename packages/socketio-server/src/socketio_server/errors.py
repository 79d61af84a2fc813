"""What can go wrong, and how it is told."""

from typing import Any


class SocketServerError(Exception):
    """The root of this package's errors."""


class ConnectRefused(SocketServerError):
    """Raised by a middleware: this client may not connect to the namespace.

    Args:
        sentence: the client sees it as the `message` of its `connect_error`.
        data: more for the client's program, as JSON.
    """

    def __init__(self, sentence: str, data: Any = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.data = data


class Refused(SocketServerError):
    """A request that gets an HTTP error instead of a session.

    Args:
        status: the HTTP status.
        text: for people.
        code: Engine.IO's number of the error, where it has one.
    """

    def __init__(self, status: int, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.code = code


class Disconnected(SocketServerError):
    """The socket has gone, and the answer with it."""


class CallTimeout(SocketServerError, TimeoutError):
    """The client did not acknowledge in time."""


class FrameError(SocketServerError):
    """Bytes that RFC 6455 does not allow; `code` is the close code to fail the connection with."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class PacketError(SocketServerError):
    """A packet that no client library sends; its sender is dropped."""
