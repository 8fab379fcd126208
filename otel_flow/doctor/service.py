"""Under which name everything arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.doctor.finding import note, ok, warning


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.doctor.finding import Finding
    from otel_flow.settings import Settings


_NAME = "OTEL_SERVICE_NAME"
_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"


def check(settings: Settings) -> Iterator[Finding]:
    """Yield the name of the service and where it comes from."""
    name, source = settings.service_name, settings.sources.get("service_name", "default")
    if name is None:
        yield warning(
            "service.name",
            f"{_NAME} is not set: a service is called by the distribution that it runs from, "
            "else unknown_service:python",
            f"export {_NAME}=shop",
        )
        return
    yield ok("service.name", f"{name}, from {source}")
    other = settings.resource_attributes.get("service.name")
    if source == _NAME and other not in {None, name}:
        yield note(
            "service.overridden",
            f"{_NAME}={name} wins over service.name={other} of {_ATTRIBUTES}",
            f"remove service.name from {_ATTRIBUTES}",
        )
