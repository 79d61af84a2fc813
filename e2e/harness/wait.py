"""Waiting for something to become true, with a bound and a readable failure."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(what: str, probe: Callable[[], T], *, timeout: float = 15.0, interval: float = 0.1) -> T:
    """Call `probe` every `interval` seconds until its answer is truthy, and return that answer.

    Raises AssertionError, naming `what` and the last answer, when `timeout` seconds have passed.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what} (last answer: {answer!r})")
        time.sleep(interval)
