"""The ActiveSpeakerObserver: who is speaking."""

from __future__ import annotations

from typing import Any

from .rtp_observer import RtpObserver


class ActiveSpeakerObserver(RtpObserver):
    """Finds the dominant speaker. Event: "dominantspeaker" (`Producer`)."""

    __slots__ = ()

    def _notified(self, event: str, body: Any) -> None:
        if event == "ACTIVESPEAKEROBSERVER_DOMINANT_SPEAKER":
            producer = self._router._producers.get(body["producer_id"])
            # It may have been closed while the news was on its way.
            if producer is not None:
                self.emit("dominantspeaker", producer)
