"""What stands beside each other in the environment of the tests: the bare service, upstream, ours."""

import structlog


def bare():
    """Nothing but the line that any service writes: JSON on stdout."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=True,
    )


def upstream():
    """What ``opentelemetry-instrument`` does: configurator of the SDK, contrib's instrumentors."""
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    from opentelemetry.instrumentation.structlog import StructlogInstrumentor
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator

    _OTelSDKConfigurator().configure(auto_instrumentation_version="bench")
    StructlogInstrumentor().instrument()
    bare()
    FastAPIInstrumentor().instrument()
    RedisInstrumentor().instrument()
    # Without the pin, so that it traces SQL with SQLAlchemy 2.1, too.
    SQLAlchemyInstrumentor().instrument(skip_dep_check=True)


def ours():
    """The two lines of our README."""
    import otel_flow

    otel_flow.configure().instrument()


def without_headers():
    """Ours, without the two headers of ids in responses."""
    from otel_flow.instrumentation.asgi.server import HttpServer

    HttpServer.with_headers = lambda _server, message, _exchange: message
    ours()


def without_runtime():
    """Ours, without watching the process, its garbage collector and its event loop."""
    import otel_flow

    otel_flow.configure(runtime=()).instrument()


CONTENDERS = {
    "bare": bare,
    "upstream": upstream,
    "ours": ours,
    "ours+access": ours,
    "ours-headers": without_headers,
    "ours-runtime": without_runtime,
}
