"""`gauge`: a number that one process reports for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from otel_flow import telemetry
from otel_flow.measure.recording import meter
from otel_flow.process.election import Election


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions

    Reading = float | Iterable[tuple[float, Mapping[str, Any]]] | None


def gauge(
    name: str,
    read: Callable[[], Reading],
    *,
    unit: str = "",
    description: str = "",
    one_writer: bool = True,
) -> None:
    """
    Report what *read* returns as gauge *name* at each collection, such as ``app.users.active``.

    *read* returns a number, pairs of a number and its attributes, or None for no value. It
    runs on the thread that collects metrics; what it raises costs this value only. With
    *one_writer* one process of a service and host reports, and another takes over when it
    ends: each of four workers would otherwise report the same users again.
    """
    handle = telemetry.current()
    service = "" if handle is None else str(handle.resource.attributes.get("service.name"))
    election = Election(service, f"gauge/{name}") if one_writer else None
    if handle is not None and election is not None:
        handle.at_shutdown(election.resign)

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        if election is not None and not election.is_elected():
            return []
        found = read()
        if found is None:
            return []
        if isinstance(found, int | float):
            return [Observation(found)]
        return [Observation(value, dict(attributes)) for value, attributes in found]

    meter().create_observable_gauge(name, callbacks=[observe], unit=unit, description=description)
