"""Views with a cardinality limit of their own."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics.view import View


class LimitedView(View):
    """
    A view of the SDK whose streams keep at most *cardinality_limit* attribute sets.

    It wins over `OTEL_FLOW_CARDINALITY_LIMIT`. Raises `ValueError` for a limit below 1
    (specification: metrics/sdk, cardinality limits).
    """

    def __init__(self, *, cardinality_limit: int, **keywords: Any) -> None:
        if cardinality_limit < 1:
            raise ValueError(f"cardinality_limit must be at least 1, not {cardinality_limit}")
        super().__init__(**keywords)
        self.cardinality_limit = cardinality_limit
