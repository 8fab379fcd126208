"""Putting the resource together, in order of precedence (semantic conventions: Resource)."""

from __future__ import annotations

import os

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource

from otel_flow.names.distribution import NAME, own_version
from otel_flow.resource.application import running_application
from otel_flow.resource.container import container_id
from otel_flow.resource.detectors import detect
from otel_flow.resource.host import host_attributes, process_attributes


if TYPE_CHECKING:
    from otel_flow.settings import Settings


_UNKNOWN_SERVICE = "unknown_service:python"


def build_resource(
    settings: Settings, *, instance_id: str, timeout: float | None = None
) -> Resource:
    """
    Return the resource of this process.

    What wins over what: the service's own fields, resource attributes (keyword,
    then variable), the platform's variables, resource detectors, and what is
    known of process, host and container. *instance_id* is the
    ``service.instance.id``. *timeout* is the longest time, in seconds, to wait
    for the detectors that the settings name; unset, the settings have it.
    """
    patience = settings.detector_timeout if timeout is None else timeout
    return Resource(
        {
            **process_attributes(),
            **host_attributes(),
            **_container(),
            **detect(settings.resource_detectors, timeout=patience),
            **settings.platform_attributes,
            **settings.resource_attributes,
            **_service(settings),
            "service.instance.id": instance_id,
            **_sdk(),
        }
    )


def renew_resource(resource: Resource, *, instance_id: str) -> Resource:
    """Return *resource* as it is in a forked child: another process, another instance."""
    attributes = {**resource.attributes, "service.instance.id": instance_id}
    if "process.pid" in attributes:
        attributes["process.pid"] = os.getpid()
    return Resource(attributes, resource.schema_url)


def _service(settings: Settings) -> dict[str, Any]:
    """Return name, version, namespace and environment, from the running distribution if need be."""
    complete = settings.service_name and settings.service_version
    application = None if complete else running_application()
    found = application.name if application else _UNKNOWN_SERVICE
    attributes = {
        "service.name": settings.service_name or found,
        "service.version": settings.service_version or (application and application.version),
        "service.namespace": settings.service_namespace,
        "deployment.environment.name": settings.environment,
    }
    return {name: value for name, value in attributes.items() if value}


def _container() -> dict[str, str]:
    found = container_id()
    return {"container.id": found} if found else {}


def _sdk() -> dict[str, str]:
    """Return what made the telemetry."""
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": version("opentelemetry-sdk"),
        "telemetry.distro.name": NAME,
        "telemetry.distro.version": own_version(),
    }
