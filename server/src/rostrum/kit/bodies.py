"""The bodies of requests, bounded in size and in time while they come in."""

import asyncio
from typing import Final

from starlette.types import Message, Receive

from rostrum.kit import clock
from rostrum.kit.errors import PayloadTooLarge, RostrumError

LONGEST_NUMBER: Final = 18
"""Digits of a length that is worth reading."""

LEAST_RATE: Final = 1024
"""Bytes a second that a body must bring on the average, once `idle_seconds` have passed."""


class BodyTooSlow(RostrumError):
    """The body stood still, or crept, for too long; the connection is closed."""

    code = "body_too_slow"
    status = 408
    sentence = "The body took too long."


def refuse_large(declared: bytes, most: int) -> None:
    """Refuse a body by its Content-Length, before a byte of it is read.

    Raises:
        PayloadTooLarge: it is larger than `most` bytes.
    """
    if declared.isdigit() and (len(declared) > LONGEST_NUMBER or int(declared) > most):
        raise PayloadTooLarge()


class BoundedBody:
    """An ASGI `receive` that ends a body that is too large or too slow.

    Args:
        most: its largest size, in bytes.
        idle_seconds: how long it may stand still; None where whoever reads it sees to that.
    """

    def __init__(self, receive: Receive, *, most: int, idle_seconds: float | None) -> None:
        self._receive = receive
        self._most = most
        self._idle_seconds = idle_seconds
        self._received = 0
        self._waited = 0.0
        self._ended = False

    async def __call__(self) -> Message:
        """The next message.

        Raises:
            PayloadTooLarge, BodyTooSlow.
        """
        if self._ended or self._idle_seconds is None:  # What follows the body is the client's going away.
            message = await self._receive()
        else:
            message = await self._in_time(self._idle_seconds)
        self._received += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._received > self._most:
            raise PayloadTooLarge()
        return message

    async def _in_time(self, idle_seconds: float) -> Message:
        began = clock.monotonic()
        try:
            async with asyncio.timeout(idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow() from None
        self._waited += clock.monotonic() - began
        if self._waited > idle_seconds and self._received < LEAST_RATE * self._waited:
            raise BodyTooSlow()
        return message
