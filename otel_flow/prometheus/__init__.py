"""Prometheus pull: one process' metrics over HTTP, from the aggregation that OTLP exports."""

from otel_flow.prometheus.endpoint import asgi_app, wsgi_app
from otel_flow.prometheus.server import serve


__all__ = ["asgi_app", "serve", "wsgi_app"]
