"""The handle that `configure` returns: three providers, one resource, one deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

from otel_flow.redaction import build_redaction


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Literal, Self

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import TracerProvider
    from structlog.typing import EventDict

    from otel_flow.delivery import Pipeline
    from otel_flow.delivery.scrape import Scrape
    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings

    Undo = Callable[[], None]
    Log = Callable[..., None]
    Recurring = Callable[[str, str, str], Any]
    Starter = Literal["application", "wrapper", "tests"]
    Dispatch = Callable[["Telemetry", tuple[object, ...]], Undo]


def _nothing_to_instrument(_telemetry: Telemetry, _targets: tuple[object, ...]) -> Undo:
    return lambda: None


def _log_nothing(_event: EventDict, /, *, show: bool = True) -> None:
    del show


_current: Telemetry | None = None


def current() -> Telemetry | None:
    """Return the running handle, None before `configure` and after `Telemetry.shutdown`."""
    return _current


def set_current(telemetry: Telemetry | None) -> None:
    """Make *telemetry* the running handle; bootstrap's business."""
    global _current
    _current = telemetry


class Telemetry:
    """Running telemetry; also a context manager that shuts it down at the end of the block."""

    def __init__(
        self,
        *,
        settings: Settings,
        resource: Resource,
        tracer_provider: TracerProvider,
        meter_provider: MeterProvider,
        logger_provider: LoggerProvider,
        pipeline: Pipeline | None,
        redaction: Redaction | None = None,
        dispatch: Dispatch = _nothing_to_instrument,
        log: Log = _log_nothing,
        set_log_level: Callable[[str, str | None], None] = lambda _level, _logger: None,
        is_logged: Callable[[int, str | None], bool] = lambda _level, _logger: False,
        recurring: Recurring = lambda _logger, _level, _said: None,
        on_shutdown: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.resource = resource
        self.tracer_provider = tracer_provider
        self.meter_provider = meter_provider
        self.logger_provider = logger_provider
        self.pipeline = pipeline
        self.redaction = build_redaction(settings) if redaction is None else redaction
        """The policy that everything passes before it leaves; see `Redaction`."""
        self._dispatch = dispatch
        self._log = log
        self._set_log_level = set_log_level
        self._is_logged = is_logged
        self._recurring = recurring
        self._undos: list[Callable[[], None]] = []
        self._on_shutdown = on_shutdown
        self._ended = False
        self.starter: Starter = "application"
        """Who started it: what another did before the application could is not started again."""

    def __repr__(self) -> str:
        state = "disabled" if self.disabled else "ended" if self._ended else "running"
        return f"<Telemetry of {self.resource.attributes['service.name']!s}: {state}>"

    def take_resource(self, resource: Resource) -> None:
        """Describe this process by *resource*; in a forked child by another than in its parent."""
        self.resource = resource

    @property
    def disabled(self) -> bool:
        """Whether nothing is recorded (`OTEL_SDK_DISABLED=true`)."""
        return self.pipeline is None

    @property
    def scrape(self) -> Scrape | None:
        """What Prometheus can scrape of this process, None where there are no cumulative values."""
        return None if self.pipeline is None else self.pipeline.scrape

    def instrument(self, *targets: object) -> Callable[[], None]:
        """
        Instrument *targets* by their types, or without any everything that is installed.

        Targets are applications, engines, clients and Celery applications. Returns the
        undo; `shutdown` calls it too. Raises `TypeError` for a target of another type,
        before anything is instrumented.
        """
        if self.disabled or self._ended:
            return lambda: None
        undo = self._dispatch(self, targets)
        self._undos.append(undo)
        return undo

    def at_shutdown(self, undo: Callable[[], None]) -> None:
        """Call *undo* when this telemetry shuts down, after what is queued was delivered."""
        self._undos.append(undo)

    def log(self, event: EventDict, *, show: bool = True) -> None:
        """
        Write the log *event* as one line and one record, whatever the levels of loggers are.

        It has the keys ``event``, ``level`` and ``logger`` and any others. Without *show*
        there is a record only, for events that somebody else prints.
        """
        self._log(event, show=show)

    def recurring(self, logger: str, level: str, said: str) -> Any:
        """
        Return the event *said* of *logger* for an instrumentation that writes it again and again.

        It is a `otel_flow.log_chain.recurring.RecurringEvent`, None where no log chain is ours.
        """
        return self._recurring(logger, level, said)

    def set_log_level(self, level: str, logger: str | None = None) -> None:
        """
        Set the *level* of *logger* and those below it, None for all that have none of their own.

        It holds for structlog and stdlib logging from the next event on, in this process.
        Raises `ValueError` for a level that does not exist.
        """
        self._set_log_level(level, logger)

    def is_logged(self, level: int, logger: str | None = None) -> bool:
        """Return whether events of *logger* at *level*, a number of stdlib logging's, are logged."""
        return self._is_logged(level, logger)

    def force_flush(self, timeout: float | None = None) -> bool:
        """
        Deliver what is queued, all signals within *timeout* seconds.

        By default the shutdown timeout of the settings. Returns whether
        everything was taken in time; never raises.
        """
        if self.pipeline is None or self._ended:
            return True
        return self.pipeline.force_flush(self._timeout(timeout))

    def finish(self, timeout: float) -> bool:
        """Flush where the process probably ends, and say on stderr what could not be delivered."""
        return self.pipeline is None or self._ended or self.pipeline.finish(timeout)

    def shutdown(self, timeout: float | None = None) -> bool:
        """Deliver what is queued within *timeout* seconds and stop; a second call does nothing."""
        if self._ended:
            return True
        self._ended = True
        try:
            delivered = self.pipeline is None or bool(
                self.pipeline.shutdown(self._timeout(timeout))
            )
        except (SystemExit, KeyboardInterrupt):
            # Raised by a signal's handler while we wait: whoever calls us again goes on.
            self._ended = False
            raise
        for undo in reversed(self._undos):
            undo()
        self._on_shutdown()
        return delivered

    def _timeout(self, timeout: float | None) -> float:
        return self.settings.shutdown_timeout if timeout is None else timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.shutdown()


def disabled_telemetry(settings: Settings, resource: Resource, **keywords: Any) -> Telemetry:
    """Return a handle that records nothing and works everywhere a real one does."""
    return Telemetry(
        settings=settings,
        resource=resource,
        tracer_provider=NoOpTracerProvider(),
        meter_provider=NoOpMeterProvider(),
        logger_provider=NoOpLoggerProvider(),
        pipeline=None,
        **keywords,
    )
