"""Which features a package has, and which of them this server has built."""

from rostrum.kit.errors import FeatureDisabled
from rostrum.tenants.models import Package

ESSENTIAL = frozenset({"chat", "screenShare", "cohosts", "viewerControls"})
PROFESSIONAL = frozenset(
    {
        "transcription", "captions", "summaries", "whiteboard", "annotation", "speakerTagging", "advancedAnalytics",
        "virtualBackgrounds", "noiseSuppression", "chatFiles",
    }
)  # fmt: skip
BUILT: frozenset[str] = ESSENTIAL | {"chatFiles"}
"""A feature that the server cannot do yet is never offered, whatever the package says."""


def features_of(package: Package | str) -> dict[str, bool]:
    """Name of each feature → whether a tenant of this package may use it here."""
    allowed = ESSENTIAL | (PROFESSIONAL if package == "professional" else frozenset())
    return {name: name in allowed and name in BUILT for name in sorted(ESSENTIAL | PROFESSIONAL)}


def require_feature(package: Package | str, name: str) -> None:
    """Raise FeatureDisabled unless a tenant of this package may use the feature here; KeyError for an unknown name."""
    if not features_of(package)[name]:
        raise FeatureDisabled(feature=name)
