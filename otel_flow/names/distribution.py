"""What we call ourselves, and our version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


NAME = "otel-flow"
"""Our distribution."""
UNKNOWN = "0+unknown"
"""The version of a source tree that is not installed."""


def own_version() -> str:
    """Return our version; a source tree that is not installed has none (`UNKNOWN`)."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return UNKNOWN
