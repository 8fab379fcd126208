"""What `timed` and `counted` share: an instrument, fixed attributes and picked ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.measure.arguments import picker
from otel_flow.measure.call import measured
from otel_flow.measure.function import name_of
from otel_flow.names.measure import FUNCTION


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_flow.measure.arguments import Wanted
    from otel_flow.measure.call import Begin, Call
    from otel_flow.measure.recording import Instrument


def metered(
    begin_call: Callable[[dict[str, Any]], Call],
    *,
    arguments: Wanted,
    attributes: Mapping[str, Any] | None,
    shared: bool,
) -> Callable[[Any], Any]:
    """
    Return the decorator whose calls begin with *begin_call* of their attributes.

    Where functions have *shared* one instrument, ``code.function.name`` tells them apart.
    """

    def begin_of(function: Callable[..., Any]) -> Begin:
        fixed = dict(attributes or {})
        if shared:
            fixed[FUNCTION.name] = str(name_of(function))
        pick = picker(function, arguments)

        def begin(positional: tuple[Any, ...], keywords: Mapping[str, Any]) -> Call:
            return begin_call({**fixed, **pick(positional, keywords)})

        return begin

    return lambda decorated: measured(decorated, begin_of)


class MeteredCall:
    """A call of which something is recorded at its end."""

    __slots__ = ("_attributes", "_instrument")

    def __init__(self, instrument: Instrument, attributes: dict[str, Any]) -> None:
        self._instrument = instrument
        self._attributes = attributes

    def resume(self) -> None:
        """Do nothing: a generator that waits for its consumer goes on being one call."""

    def pause(self) -> None:
        """Do nothing."""
