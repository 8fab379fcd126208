"""
Bound instruments: an instrument and one attribute set, looked up once.

``bind(counter, {"http.route": "/items"}).add(1)`` records on the same storage as
``counter.add(1, {...})``. Instrumentations and hot loops of users keep the handle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context


class BoundInstrument:
    """An instrument with its attributes; ``add`` for counters, ``record`` for the others."""

    __slots__ = ("_attributes", "_instrument")

    def __init__(self, instrument: Any, attributes: Mapping[str, Any]) -> None:
        self._instrument = instrument
        self._attributes = dict(attributes)

    def add(self, value: float, context: Context | None = None) -> None:
        """Add *value* to a counter or an up-down counter."""
        self._instrument.add(value, self._attributes, context)

    def record(self, value: float, context: Context | None = None) -> None:
        """Record *value* in a histogram, or set a gauge to it."""
        name = "record" if hasattr(self._instrument, "record") else "set"
        getattr(self._instrument, name)(value, self._attributes, context)


def bind(instrument: Any, attributes: Mapping[str, Any]) -> BoundInstrument:
    """Return *instrument* bound to *attributes*; any instrument of the API can be bound."""
    return BoundInstrument(instrument, attributes)
