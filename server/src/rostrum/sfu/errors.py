"""What can go wrong with media, and how the controller's errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import mediasoup

from rostrum.kit.errors import InvalidInput, NotFound, RostrumError, Unavailable


class InvalidParameters(InvalidInput):
    """RTP, DTLS or other parameters that a client sent are wrong, or are not supported."""

    code = "invalid_parameters"
    sentence = "The media parameters are invalid."


class InvalidMediaState(RostrumError):
    """The call makes no sense now, for example connecting a transport twice."""

    code = "invalid_state"
    status = 409
    sentence = "This is not possible in the present state."


class MediaRestarting(Unavailable):
    """The media worker has ended and a new one is starting; try again in a moment."""

    code = "media_restarting"
    sentence = "The media engine is restarting; try again in a moment."


class TransportNotFound(NotFound):
    """The caller has no such transport."""

    code = "transport_not_found"
    sentence = "You have no such transport."


class ProducerNotFound(NotFound):
    """The room has no such producer, or the caller has none where only its own count."""

    code = "producer_not_found"
    sentence = "There is no such producer in this room."


class ConsumerNotFound(NotFound):
    """The caller has no such consumer."""

    code = "consumer_not_found"
    sentence = "You have no such consumer."


class ScreenBusy(RostrumError):
    """Somebody else shares their screen; `by` says who."""

    code = "screen_busy"
    status = 409
    sentence = "Somebody else is sharing their screen."


class LimitReached(RostrumError):
    """The peer has as many transports, producers or consumers as it may have."""

    code = "limit_reached"
    status = 409
    sentence = "You have reached the limit of media objects."


@contextmanager
def media_errors() -> Iterator[None]:
    """Turn the controller's errors into ours."""
    try:
        yield
    except (mediasoup.InvalidParameters, mediasoup.UnsupportedParameters) as error:
        raise InvalidParameters(f"The media parameters are invalid: {str(error)[:300]}.") from None
    except (mediasoup.Closed, mediasoup.RequestTimeout) as error:
        # Closed: the worker died under the request. The watchdog replaces a worker that does not answer.
        raise MediaRestarting(retry_after=1) from error
    except mediasoup.NotFound as error:
        raise ProducerNotFound() from error
    except mediasoup.InvalidState as error:
        raise InvalidMediaState() from error
    except mediasoup.WorkerError as error:
        raise InvalidParameters("The media engine has refused these parameters.") from error
