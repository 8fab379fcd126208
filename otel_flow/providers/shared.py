"""What all providers of a process share: the locks of the API and of the SDK's modules."""

from __future__ import annotations

import sys

from typing import TYPE_CHECKING, Any

from otel_flow.process.locks import renew_locks


if TYPE_CHECKING:
    from collections.abc import Iterator


_MODULES = (
    "opentelemetry.trace",
    "opentelemetry.metrics._internal",
    "opentelemetry._logs._internal",
    "opentelemetry.sdk.resources",
)
"""Modules with locks, or with what happens once, among their globals."""

_CLASSES = (
    ("opentelemetry.sdk.metrics._internal", "MeterProvider"),
    *(
        (f"opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.{module}", name)
        for module, name in (
            ("exponent_mapping", "ExponentMapping"),
            ("logarithm_mapping", "LogarithmMapping"),
        )
    ),
    # Which conventions contrib's instrumentations follow, asked by each as it begins.
    ("opentelemetry.instrumentation._semconv", "_OpenTelemetrySemanticConventionStability"),
)
"""Classes whose instances share a lock."""


def renew_shared_locks() -> None:
    """Free, in a forked child, the locks that belong to no provider of ours alone."""
    for name in _MODULES:
        renew_locks(sys.modules.get(name))
    for name, kind in _CLASSES:
        renew_locks(getattr(sys.modules.get(name), kind, None))
    renew_locks(*_proxies())


def _proxies() -> Iterator[Any]:
    """Yield what hands out meters, and their instruments, before there is a provider."""
    api = sys.modules.get("opentelemetry.metrics._internal")
    proxy = getattr(api, "_PROXY_METER_PROVIDER", None)
    yield proxy
    yield from getattr(proxy, "_meters", ())
