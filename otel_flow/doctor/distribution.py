"""Which distro and which configurator ``opentelemetry-instrument`` takes."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from otel_flow.doctor.finding import ok, problem, warning
from otel_flow.names.environment import CONFIGURATOR, DISTRO, ENTRY_POINT


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from otel_flow.doctor.finding import Finding


_GROUPS = {DISTRO: "opentelemetry_distro", CONFIGURATOR: "opentelemetry_configurator"}
_SELECT = (
    f"export {DISTRO}={ENTRY_POINT} {CONFIGURATOR}={ENTRY_POINT}, or start by: otel-flow run -- …"
)


def check(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which of the two are selected, and which others are installed."""
    selected = {name: environ[name] for name in _GROUPS if environ.get(name)}
    for name, value in selected.items():
        if value != ENTRY_POINT:
            yield problem(
                "distribution.selected",
                f"{name}={value}: opentelemetry-instrument does not start otel-flow",
                _SELECT,
                subject=name,
            )
    others = _others()
    if others and len(selected) < len(_GROUPS):
        yield warning(
            "distribution.others",
            f"{', '.join(others)} can be picked by opentelemetry-instrument, too",
            _SELECT,
        )
    elif all(value == ENTRY_POINT for value in selected.values()):
        yield ok("distribution.selected", "opentelemetry-instrument starts otel-flow")


def _others() -> list[str]:
    found = {
        entry_point.dist.name if entry_point.dist else entry_point.name
        for group in _GROUPS.values()
        for entry_point in entry_points(group=group)
        if entry_point.name != ENTRY_POINT
    }
    return sorted(found)
