"""
Bound instruments: an instrument and one attribute set, looked up once.

``bind(counter, {"http.route": "/items"}).add(1)`` records what ``counter.add(1, {...})``
would: on the same storage, through the same views, with the same temporality and
exemplars. Instrumentations and hot loops of users keep the handle; it stays valid when
readers are added, and in forked children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.providers import seams


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context


class BoundInstrument:
    """An instrument with its attributes; ``add`` for counters, ``record`` for the others."""

    __slots__ = ("_attributes", "_instrument", "_public")

    def __init__(self, instrument: Any, attributes: Mapping[str, Any]) -> None:
        self._instrument = instrument
        self._attributes = dict(attributes)
        verbs = (getattr(instrument, verb, None) for verb in ("add", "record", "set"))
        self._public = next(verb for verb in verbs if verb is not None)

    def add(self, value: float, context: Context | None = None) -> None:
        """Add *value* to a counter or an up-down counter."""
        self._public(value, self._attributes, context)

    def record(self, value: float, context: Context | None = None) -> None:
        """Record *value* in a histogram, or set a gauge to it."""
        self._public(value, self._attributes, context)


def bind(instrument: Any, attributes: Mapping[str, Any]) -> BoundInstrument:
    """
    Return *instrument* bound to *attributes*.

    Any synchronous instrument of the API can be bound, also before telemetry is configured;
    those of our meter provider are recorded without upstream's cost a call. The series begins
    with its first value. *context* of the handle's calls decides about the exemplar, as with
    the instrument's own.
    """
    path = seams.metric_path()
    return (BoundInstrument if path is None else path.Handle)(instrument, attributes)
