"""The doctor: looks for what breaks newcomers and says what to do about each."""

from rostrum.doctor.finding import Finding, Level
from rostrum.doctor.service import examine

__all__ = ["Finding", "Level", "examine"]
