"""The entry points by which ``opentelemetry-instrument`` finds the instrumented libraries."""

from __future__ import annotations

import functools

from typing import TYPE_CHECKING, Any, ClassVar

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from otel_flow import telemetry
from otel_flow.instrumentation.arrival import call_all_off
from otel_flow.instrumentation.libraries import (
    LIBRARIES,
    instrument_when_imported,
    is_disabled,
    uninstrument,
)


if TYPE_CHECKING:
    from collections.abc import Collection


_LIBRARIES = {library.name: library for library in LIBRARIES}


class LibraryInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Instruments one library for the running telemetry, as soon as it is imported."""

    name: ClassVar[str]

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: what is not installed is passed over without a word."""
        return ()

    def _instrument(self, **_keywords: Any) -> None:
        handle = telemetry.current()
        if handle is None or handle.disabled:
            return
        if not is_disabled(self.name, handle.settings.disabled_instrumentations):
            library = _LIBRARIES[self.name]
            instrument_when_imported(library, handle)
            handle.at_shutdown(functools.partial(call_all_off, library.module))

    def _uninstrument(self, **_keywords: Any) -> None:
        uninstrument(_LIBRARIES[self.name])


class FastAPIInstrumentor(LibraryInstrumentor):
    """Instruments FastAPI."""

    name = "fastapi"


class StarletteInstrumentor(LibraryInstrumentor):
    """Instruments Starlette."""

    name = "starlette"


class SQLAlchemyInstrumentor(LibraryInstrumentor):
    """Instruments SQLAlchemy."""

    name = "sqlalchemy"


class RedisInstrumentor(LibraryInstrumentor):
    """Instruments redis-py."""

    name = "redis"


class HTTPXInstrumentor(LibraryInstrumentor):
    """Instruments httpx."""

    name = "httpx"


class HTTPX2Instrumentor(LibraryInstrumentor):
    """Instruments httpx2."""

    name = "httpx2"


class RequestsInstrumentor(LibraryInstrumentor):
    """Instruments requests."""

    name = "requests"


class LoguruInstrumentor(LibraryInstrumentor):
    """Makes records of what loguru logs."""

    name = "loguru"


class ThreadsInstrumentor(LibraryInstrumentor):
    """Carries the context into threads and thread pools."""

    name = "threads"


class RuntimeInstrumentor(LibraryInstrumentor):
    """Measures process, garbage collector and event loops."""

    name = "runtime"


class CeleryInstrumentor(LibraryInstrumentor):
    """Instruments Celery."""

    name = "celery"
