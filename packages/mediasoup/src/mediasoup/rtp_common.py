"""What capabilities and parameters of RTP have in common, and the checks that both need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

from .errors import InvalidParameters
from .validation import integer, mapping, scalar, sequence, text

MediaKind = Literal["audio", "video"]
Parameters = dict[str, str | int | float]

MAX_FEEDBACK = 32
MAX_PARAMETERS = 64

_MIME_TYPE = re.compile(r"(audio|video)/[\w.+-]+", re.IGNORECASE | re.ASCII)


def check_mime_type(value: Any, path: str) -> str:
    """Type and name of a codec, like "audio/opus"."""
    if not _MIME_TYPE.fullmatch(text(value, path, 64)):
        raise InvalidParameters(f"{path} must look like audio/opus or video/VP8")
    return cast(str, value)


def codec_parameters(value: Any, path: str) -> Parameters:
    """What stands in SDP's fmtp lines: names with strings or numbers."""
    if value is None:
        return {}
    given = mapping(value, path)
    if len(given) > MAX_PARAMETERS:
        raise InvalidParameters(f"{path} has {len(given)} entries, at most {MAX_PARAMETERS} are allowed")
    parameters = {text(name, f"{path} key", 256): scalar(item, f"{path}.{name}") for name, item in given.items()}
    if "apt" in parameters:
        integer(parameters["apt"], f"{path}.apt", 0, 127)
    return parameters


def check_unique(values: Iterable[Any], path: str) -> None:
    """Refuses values that occur more than once; None may."""
    seen = set()
    for value in values:
        if value is not None and value in seen:
            raise InvalidParameters(f"{path} {value!r} occurs more than once")
        seen.add(value)


def channel_count(value: Any, kind: str, path: str) -> int | None:
    """The channels of audio, 1 by default; None for video."""
    if kind == "video":
        return None
    return 1 if value is None else integer(value, path, 1, 255)


def without_none(**values: Any) -> dict[str, Any]:
    """The arguments that are not None."""
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RtcpFeedback:
    """One kind of RTCP feedback, as ("nack", "pli")."""

    type: str
    parameter: str = ""

    @classmethod
    def from_json(cls, value: Any, path: str) -> RtcpFeedback:
        given = mapping(value, path)
        parameter = given.get("parameter")
        return cls(
            text(given.get("type"), f"{path}.type", 64),
            text(parameter, f"{path}.parameter", 64) if parameter else "",
        )

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "parameter": self.parameter}


def feedback_list(value: Any, path: str) -> tuple[RtcpFeedback, ...]:
    """Reads a list of RTCP feedback."""
    items = sequence(value, path, MAX_FEEDBACK)
    return tuple(RtcpFeedback.from_json(item, f"{path}[{i}]") for i, item in enumerate(items))
