"""HTTP servers of the ASGI kind, whichever framework the application is written in."""

from otel_flow.instrumentation.asgi.middleware import Middleware
from otel_flow.instrumentation.asgi.server import HANDLED, HttpServer


__all__ = ["HANDLED", "HttpServer", "Middleware"]
