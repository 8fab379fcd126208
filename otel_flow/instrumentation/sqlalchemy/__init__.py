"""SQLAlchemy: statements and connection pools of its engines, sync and async."""

from __future__ import annotations

from typing import Any

from otel_flow.instrumentation.sqlalchemy.engines import instrument, targets, uninstrument


__all__ = ["instrument", "uninstrument"]


def __getattr__(name: str) -> Any:
    """Return ``TARGETS``, when it is asked for: an import of the asyncio extension costs 0.2 s."""
    if name == "TARGETS":
        return targets()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
