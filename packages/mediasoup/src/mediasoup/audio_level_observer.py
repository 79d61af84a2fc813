"""The AudioLevelObserver: how loud who is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .producer import Producer
from .rtp_observer import RtpObserver


@dataclass(frozen=True, slots=True)
class AudioLevel:
    """The average volume of a producer over the interval, in dBov: -127 (silence) to 0."""

    producer: Producer
    volume: int


class AudioLevelObserver(RtpObserver):
    """Reports the loudest producers. Events: "volumes" (list of `AudioLevel`, loudest first), "silence"."""

    __slots__ = ()

    def _notified(self, event: str, body: Any) -> None:
        if event == "AUDIOLEVELOBSERVER_SILENCE":
            self.emit("silence")
        elif event == "AUDIOLEVELOBSERVER_VOLUMES":
            producers = self._router._producers
            volumes = [
                AudioLevel(producers[entry["producer_id"]], entry["volume"])
                for entry in body["volumes"]
                if entry["producer_id"] in producers
            ]
            if volumes:
                self.emit("volumes", volumes)
