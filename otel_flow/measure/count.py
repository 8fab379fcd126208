"""`counted`: a counter of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from otel_flow.measure.metered import MeteredCall, metered
from otel_flow.measure.recording import Instrument, error_type
from otel_flow.names.measure import ERROR_TYPE, FUNCTION_CALLS
from otel_flow.names.model import Metric


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_flow.measure.arguments import Wanted


F = TypeVar("F", bound="Callable[..., Any]")

_calls = Instrument(FUNCTION_CALLS)


@overload
def counted(target: F, /) -> F: ...


@overload
def counted(
    target: str | None = None,
    /,
    *,
    arguments: Wanted = (),
    attributes: Mapping[str, Any] | None = None,
    unit: str = "{call}",
    description: str = "",
) -> Callable[[F], F]: ...


def counted(
    target: Any = None,
    /,
    *,
    arguments: Wanted = (),
    attributes: Mapping[str, Any] | None = None,
    unit: str = "{call}",
    description: str = "",
) -> Any:
    """
    Count each call when it ends, with ``error.type`` where it raised.

    With a string in the place of the function that is the counter's name, for example
    ``app.lectures.uploaded``, and *unit* its unit (UCUM, by convention in braces); by
    default all functions share ``otel_flow.function.calls`` and are told apart by
    ``code.function.name``. *arguments* are the parameters that become attributes.

    Raises `ValueError` for an argument that the function does not have.
    """
    if target is not None and not isinstance(target, str):
        return counted()(target)
    instrument = _calls if target is None else Instrument(_named(target, unit, description))

    return metered(
        lambda found: CountedCall(instrument, found),
        arguments=arguments,
        attributes=attributes,
        shared=target is None,
    )


def _named(name: str, unit: str, description: str) -> Metric:
    return Metric(
        name=name, unit=unit, instrument="counter", brief=description, stability="otel_flow"
    )


class CountedCall(MeteredCall):
    """A call that is counted at its end."""

    __slots__ = ()

    def end(self, error: BaseException | None) -> None:
        """Count it."""
        if error is not None:
            self._attributes[ERROR_TYPE.name] = error_type(error)
        self._instrument.bound(self._attributes).add(1)
