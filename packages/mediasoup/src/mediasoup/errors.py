"""Every error that this package raises. All of them are `MediasoupError`."""

from __future__ import annotations

#: What the exit codes of mediasoup-worker mean when it ends before it is running.
EXIT_CODES = {
    40: "it failed while starting (the generic start-up error of mediasoup-worker)",
    41: "MEDIASOUP_VERSION was missing in its environment",
    42: "it refused its settings (log level, log tags, port range, DTLS certificate or key)",
}


class MediasoupError(Exception):
    """Base of every error of this package."""


class InvalidParameters(MediasoupError, TypeError, ValueError):
    """The data given by the caller, or by the caller's client, is wrong. The message names the field."""


class UnsupportedParameters(MediasoupError):
    """The data is well formed, but this router or this worker cannot do what it asks for."""


class NotFound(MediasoupError, LookupError):
    """No producer, data producer or transport with that id exists in this router."""


class InvalidState(MediasoupError):
    """The call makes no sense in the present state of the object."""


class Closed(InvalidState):
    """The object is closed, or its worker has ended. Every pending request of a dead worker ends with this."""


class RequestTimeout(MediasoupError):
    """The worker did not answer within the bound. It is stuck or stopped, for it answers within milliseconds."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(f"the worker did not answer {method} within {seconds:g} s")
        self.method = method
        self.seconds = seconds


class WorkerError(MediasoupError):
    """The worker refused a request.

    Attributes: `method` of the request, `error` the worker's class of it ("Error" or "TypeError"), `reason` its words.
    """

    def __init__(self, method: str, error: str, reason: str) -> None:
        super().__init__(f"the worker refused {method}: {reason or error}")
        self.method = method
        self.error = error
        self.reason = reason


class WorkerStartError(MediasoupError):
    """mediasoup-worker could not be started. `exit_code` is None if there was no process or it had to be killed."""

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        meaning = EXIT_CODES.get(exit_code) if exit_code is not None else None
        super().__init__(f"{message}: {meaning}" if meaning else message)
        self.exit_code = exit_code


class WorkerDied(MediasoupError):
    """The process ended by itself. Given to the callbacks of a worker's "died" event.

    Attributes: `pid`, and `exit_code`: as `subprocess` counts, negative for the number of the signal that killed it.
    """

    def __init__(self, pid: int, exit_code: int | None) -> None:
        how = "closed its channel" if exit_code is None else f"ended with code {exit_code}"
        if exit_code is not None and exit_code < 0:
            how = f"was killed by signal {-exit_code}"
        super().__init__(f"mediasoup-worker {pid} {how}")
        self.pid = pid
        self.exit_code = exit_code
