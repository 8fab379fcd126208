"""Predictions of models: duration, confidence, fallback, and which models are loaded."""

from __future__ import annotations

import threading
import time

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from otel_flow.measure.recording import Instrument, error_type, meter, tracer
from otel_flow.measure.span import SpanCall
from otel_flow.names import measure as names
from otel_flow.process.fork import on_fork
from otel_flow.process.locks import renew_locks


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from opentelemetry.metrics import CallbackOptions


_durations = Instrument(names.INFERENCE_DURATION)
_confidences = Instrument(names.PREDICTION_CONFIDENCE)
_fallbacks = Instrument(names.FALLBACK_EXECUTIONS)


class Prediction:
    """The block under `prediction`."""

    def __init__(self, series: dict[str, str]) -> None:
        self._series = series
        self._fell_back = False
        self._call: SpanCall | None = None
        self._started = 0.0

    def confidence(self, value: float) -> None:
        """Record how sure the model is, from 0 to 1."""
        _confidences.record(value, self._series)
        if self._call is not None:
            self._call.span.set_attribute(names.CONFIDENCE.name, value)

    def fallback(self, strategy: str, *, reason: str | BaseException) -> None:
        """
        Say that something else gave the result: *strategy*, because of *reason*.

        *reason* is ``flag_off``, ``circuit_open``, ``timeout`` or the exception that was
        handled. The span's status stays unset, since the caller got a result.
        """
        self._fell_back = True
        why = error_type(reason) if isinstance(reason, BaseException) else reason
        taken = {names.FALLBACK_STRATEGY.name: strategy, names.FALLBACK_REASON.name: why}
        _fallbacks.record(1, {names.FEATURE.name: self._series[names.MODEL.name], **taken})
        if self._call is not None:
            self._call.span.set_attributes({names.FALLBACK_USED.name: True, **taken})

    def __enter__(self) -> Self:
        span = tracer().start_span(
            f"predict {self._series[names.MODEL.name]}", attributes=self._series
        )
        self._call = SpanCall(span, record_exception=True)
        self._call.resume()
        self._started = time.perf_counter()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._call is None:
            return
        measured: dict[str, Any] = dict(self._series)
        if self._fell_back:
            measured[names.FALLBACK_USED.name] = True
        if error is not None:
            measured[names.ERROR_TYPE.name] = error_type(error)
        _durations.record(time.perf_counter() - self._started, measured)
        self._call.end(error)
        self._call.pause()


def prediction(
    model: str, *, version: str | None = None, pipeline: str | None = None
) -> Prediction:
    """
    Return a context manager that records one prediction of *model*.

    A span, and its duration in seconds in ``otel_flow.ml.inference.duration`` by model,
    version, pipeline and ``error.type``. Works the same around code that awaits.
    """
    series = {names.MODEL.name: model}
    if version is not None:
        series[names.MODEL_VERSION.name] = version
    if pipeline is not None:
        series[names.PIPELINE.name] = pipeline
    return Prediction(series)


class _LoadedModels:
    """How often each model is loaded in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[tuple[str, str], ...], int] = {}
        self._meter: Any = None
        on_fork(child=lambda: renew_locks(self))

    def load(self, attributes: dict[str, str]) -> Callable[[], None]:
        key = tuple(attributes.items())
        self._change(key, 1)
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self._change(key, -1)

        return release

    def _change(self, key: tuple[tuple[str, str], ...], by: int) -> None:
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + by
        self._observe()

    def _observe(self) -> None:
        """Make the instrument, once for each meter that there is to make it."""
        current = meter()
        if current is not self._meter:
            self._meter = current
            metric = names.MODEL_COUNT
            current.create_observable_up_down_counter(
                metric.name, callbacks=[self._read], unit=metric.unit, description=metric.brief
            )

    def _read(self, _options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count, dict(key)) for key, count in list(self._counts.items())]


_loaded = _LoadedModels()


def loaded_model(model: str, *, version: str | None = None) -> Callable[[], None]:
    """Count *model* as loaded in ``otel_flow.ml.model.count``; return what counts it off again."""
    attributes = {names.MODEL.name: model}
    if version is not None:
        attributes[names.MODEL_VERSION.name] = version
    return _loaded.load(attributes)
