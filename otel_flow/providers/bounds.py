"""The limits of spans, and what becomes of the attributes that are given to one."""

from __future__ import annotations

import math

from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import _clean_attribute_value

from otel_flow.otlp.repair import plain


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import SpanLimits


_SIMPLE = frozenset({bool, int, float, bytes, type(None)})
_TEXT_KEYS = {str}


class Bounds:
    """The limits of spans, in the form in which a span asks for them."""

    __slots__ = ("length", "limits", "most", "simple")

    def __init__(self, limits: SpanLimits) -> None:
        self.limits = limits
        most = limits.max_span_attributes
        self.most = math.inf if most is None else most
        """How many attributes a span may have."""
        self.length = limits.max_span_attribute_length
        # A text that may be too long is cut by the SDK.
        self.simple = _SIMPLE | {str} if self.length is None else _SIMPLE
        """The types of values that are kept as they are."""

    def cleaned(self, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Return *attributes* as a span keeps them, and how many of them cannot be kept."""
        # Mappings and values of the application raise what they like when they are read.
        try:
            if (
                self.simple.issuperset(map(type, attributes.values()))
                and _TEXT_KEYS.issuperset(map(type, attributes))
                and "" not in attributes
            ):
                return dict(attributes), 0
            kept: Any = _clean_attribute_value(attributes, self.length)
            return dict(kept), len(attributes) - len(kept)
        except Exception:
            repaired = plain(attributes)
            if type(repaired) is not dict:
                return {}, 1
            return dict(_clean_attribute_value(repaired, self.length)), 0

    def cleaned_value(self, value: Any) -> Any:
        """Return *value* as a span keeps it."""
        try:
            return _clean_attribute_value(value, self.length)
        except Exception:  # as above
            return _clean_attribute_value(plain(value), self.length)
