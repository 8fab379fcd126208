"""`timed`: a histogram of how long calls take."""

from __future__ import annotations

import time

from typing import TYPE_CHECKING, Any, TypeVar, overload

from otel_flow.measure.metered import MeteredCall, metered
from otel_flow.measure.recording import Instrument, error_type
from otel_flow.names.measure import ERROR_TYPE, FUNCTION_DURATION, LONG_BUCKETS
from otel_flow.names.model import Metric


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_flow.measure.arguments import Wanted


F = TypeVar("F", bound="Callable[..., Any]")

_calls = Instrument(FUNCTION_DURATION)


@overload
def timed(target: F, /) -> F: ...


@overload
def timed(
    target: str | None = None,
    /,
    *,
    arguments: Wanted = (),
    attributes: Mapping[str, Any] | None = None,
    buckets: tuple[float, ...] = LONG_BUCKETS,
    description: str = "",
) -> Callable[[F], F]: ...


def timed(
    target: Any = None,
    /,
    *,
    arguments: Wanted = (),
    attributes: Mapping[str, Any] | None = None,
    buckets: tuple[float, ...] = LONG_BUCKETS,
    description: str = "",
) -> Any:
    """
    Record the duration of each call, in seconds, with ``error.type`` where it raised.

    With a string in the place of the function that is the histogram's name, for example
    ``app.video.processing.duration``; by default all functions share
    ``otel_flow.function.duration`` and are told apart by ``code.function.name``.
    *arguments* are the parameters that become attributes (each value makes a series),
    *buckets* are the histogram's bounds in seconds. A generator is timed over its whole life.

    Raises `ValueError` for an argument that the function does not have.
    """
    if target is not None and not isinstance(target, str):
        return timed()(target)
    instrument = _calls if target is None else Instrument(_named(target, buckets, description))

    return metered(
        lambda found: DurationCall(instrument, found),
        arguments=arguments,
        attributes=attributes,
        shared=target is None,
    )


def _named(name: str, buckets: tuple[float, ...], description: str) -> Metric:
    return Metric(
        name=name,
        unit="s",
        instrument="histogram",
        brief=description,
        buckets=buckets,
        stability="otel_flow",
    )


class DurationCall(MeteredCall):
    """A call whose duration is recorded at its end."""

    __slots__ = ("_started",)

    def __init__(self, instrument: Instrument, attributes: dict[str, Any]) -> None:
        super().__init__(instrument, attributes)
        self._started = time.perf_counter()

    def end(self, error: BaseException | None) -> None:
        """Record the seconds since the call began."""
        seconds = time.perf_counter() - self._started
        if error is not None:
            self._attributes[ERROR_TYPE.name] = error_type(error)
        self._instrument.bound(self._attributes).record(seconds)
