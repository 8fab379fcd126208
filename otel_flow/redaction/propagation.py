"""Baggage on its way to other services: entries that are secret do not travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import baggage, context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import default_setter


if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import CarrierT, Setter, TextMapPropagator

    from otel_flow.redaction.policy import Redaction


class RedactingPropagator(CompositePropagator):
    """Injects what its propagators inject, of baggage that holds no secrets."""

    def __init__(self, propagators: Sequence[TextMapPropagator], redaction: Redaction) -> None:
        super().__init__(propagators)
        self._redaction = redaction

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the context into *carrier*."""
        super().inject(carrier, self._redacted(context), setter)

    def _redacted(self, within: Context | None) -> Context | None:
        entries = baggage.get_all(within)
        if not entries:
            return within
        shown = self._redaction.attributes(entries)
        if shown is entries:
            return within
        bare: Any = baggage.clear(context.get_current() if within is None else within)
        for name, value in shown.items():
            bare = baggage.set_baggage(name, value, bare)
        return bare  # type: ignore[no-any-return]
