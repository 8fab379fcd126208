"""Attributes of the resource (semantic conventions: resource)."""

from __future__ import annotations

from otel_flow.names.model import Attribute


def _text(name: str, brief: str, *, stable: bool = True) -> Attribute:
    stability = "stable" if stable else "development"
    return Attribute(name=name, type="string", brief=brief, stability=stability)  # type: ignore[arg-type]


ATTRIBUTES = (
    _text("service.name", "The service: keyword, OTEL_SERVICE_NAME, or the running distribution."),
    _text("service.version", "Its version; that of the running distribution unless it is set."),
    _text("service.namespace", "What its name is unique in."),
    _text("service.instance.id", "Unique for a live process, and taken over by its successor."),
    _text("deployment.environment.name", "production, staging and so on."),
    _text("telemetry.sdk.name", "opentelemetry."),
    _text("telemetry.sdk.language", "python."),
    _text("telemetry.sdk.version", "The version of opentelemetry-sdk."),
    _text("telemetry.distro.name", "otel-flow."),
    _text("telemetry.distro.version", "The version of otel-flow."),
    _text("host.name", "The host's name.", stable=False),
    _text("host.arch", "The host's architecture.", stable=False),
    _text("os.type", "The operating system.", stable=False),
    _text("os.version", "The release of its kernel.", stable=False),
    Attribute(name="process.pid", type="int", brief="The process' id.", stability="development"),
    _text("process.executable.name", "The interpreter's file name.", stable=False),
    _text("process.runtime.name", "cpython.", stable=False),
    _text("process.runtime.version", "The version of Python.", stable=False),
    _text("process.runtime.description", "sys.version.", stable=False),
    _text("container.id", "The container, where there is one.", stable=False),
)
"""What the resource holds beside what the user, the platform and detectors add."""
