"""The composition root: the only place that sets globals."""

from __future__ import annotations

import logging
import threading
import uuid

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs as logs
from opentelemetry import metrics, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_flow import process, telemetry
from otel_flow.delivery import build_pipeline
from otel_flow.delivery.pipeline import PULL
from otel_flow.errors import AlreadyConfiguredError, NotConfiguredError
from otel_flow.instrumentation import libraries
from otel_flow.log_chain import build_log_chain
from otel_flow.names.environment import PROPAGATOR_GROUP
from otel_flow.process.identity import Identity
from otel_flow.providers import build_logger_provider, build_meter_provider, build_tracer_provider
from otel_flow.providers.fork import ResourceRenewal
from otel_flow.resource import build_resource, renew_resource
from otel_flow.settings import Settings
from otel_flow.telemetry import Telemetry, disabled_telemetry


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.sdk.resources import Resource


_logger = logging.getLogger("otel_flow")
_lock = threading.Lock()


def configure(
    *,
    service_name: str | None = None,
    service_version: str | None = None,
    service_namespace: str | None = None,
    environment: str | None = None,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    sampler: str | None = None,
    sampler_argument: str | None = None,
    resource_attributes: Mapping[str, str] | None = None,
    log_format: str | None = None,
    log_level: str | None = None,
    metric_interval: float | None = None,
    shutdown_timeout: float | None = None,
) -> Telemetry:
    """
    Configure traces, metrics and logs with one resource, and return the handle.

    A keyword wins over the ``OTEL_*`` variable, the variable over the default.
    With the same settings again the running handle is returned.

    Raises `ConfigError` with every problem found, and `AlreadyConfiguredError` when
    telemetry runs with other settings. Under ``opentelemetry-instrument`` it runs
    already: the running handle is returned, and one warning names the keywords that
    could not take effect.
    """
    keywords: dict[str, Any] = {
        "service_name": service_name,
        "service_version": service_version,
        "service_namespace": service_namespace,
        "environment": environment,
        "endpoint": endpoint,
        "headers": headers,
        "sampler": sampler,
        "sampler_argument": sampler_argument,
        "resource_attributes": resource_attributes,
        "log_format": log_format,
        "log_level": log_level,
        "metric_interval": metric_interval,
        "shutdown_timeout": shutdown_timeout,
    }
    settings = Settings.from_environ(**keywords)
    running = telemetry.current()
    if running is not None and running.under_wrapper:
        _warn_of_differences(running.settings, settings)
        return running
    return start(settings)


def instrument(*targets: object) -> Callable[[], None]:
    """
    Instrument *targets* for the running telemetry; see `Telemetry.instrument`.

    Raises `NotConfiguredError` before `configure`.
    """
    running = telemetry.current()
    if running is None:
        raise NotConfiguredError
    return running.instrument(*targets)


def _warn_of_differences(running: Settings, wanted: Settings) -> None:
    if differing := running.differences(wanted):
        _logger.warning(
            "opentelemetry-instrument has configured telemetry already; without effect: %s",
            ", ".join(differing),
        )


def start(settings: Settings, *, under_wrapper: bool = False) -> Telemetry:
    """Start telemetry with *settings*, or return the handle that already runs with them."""
    with _lock:
        running = telemetry.current()
        if running is not None:
            if differing := running.settings.differences(settings):
                raise AlreadyConfiguredError(differing)
            return running
        handle = _start(settings)
        handle.under_wrapper = under_wrapper
        telemetry.set_current(handle)
    for warning in settings.warnings:
        _logger.warning("%s", warning)
    return handle


def _start(settings: Settings) -> Telemetry:
    resource = build_resource(settings, instance_id=_own_id(settings) or str(uuid.uuid4()))
    if settings.sdk_disabled:
        return disabled_telemetry(settings, resource, on_shutdown=_forget)
    identity = _identity(settings, resource)
    resource = renew_resource(resource, instance_id=identity.current())
    handle = _build(settings, resource, identity)
    _set_globals(settings, handle)
    if PULL in settings.metrics_exporters:
        _serve_metrics(handle)
    return handle


def _serve_metrics(handle: Telemetry) -> None:
    from otel_flow.prometheus import serve  # noqa: PLC0415 - its client is an extra

    serve(handle)


def _build(settings: Settings, resource: Resource, identity: Identity) -> Telemetry:
    pipeline = build_pipeline(settings, identity=identity)
    renewal = ResourceRenewal(resource, identity.current)
    pipeline.before_collection(lambda: _confirm(identity, renewal))
    meter_provider = build_meter_provider(
        settings, resource, metric_readers=pipeline.metric_readers, renewal=renewal
    )
    pipeline.attach(meter_provider)
    tracer_provider = build_tracer_provider(
        settings,
        resource,
        span_processors=pipeline.span_processors,
        meter_provider=meter_provider,
        renewal=renewal,
    )
    logger_provider = build_logger_provider(
        settings,
        resource,
        log_record_processors=pipeline.log_record_processors,
        meter_provider=meter_provider,
        renewal=renewal,
    )
    chain = build_log_chain(settings, resource, logger_provider)

    def stop() -> None:
        chain.uninstall()
        identity.release()
        _forget()

    handle = Telemetry(
        settings=settings,
        resource=resource,
        tracer_provider=tracer_provider,
        meter_provider=meter_provider,
        logger_provider=logger_provider,
        pipeline=pipeline,
        dispatch=libraries.instrument,
        log=chain.write,
        on_shutdown=stop,
    )
    chain.install()
    return handle


def _set_globals(settings: Settings, handle: Telemetry) -> None:
    metrics.set_meter_provider(handle.meter_provider)
    trace.set_tracer_provider(handle.tracer_provider)
    logs.set_logger_provider(handle.logger_provider)
    propagate.set_global_textmap(build_propagator(settings))
    process.on_flush(handle.force_flush, name="telemetry")
    process.on_exit(handle.shutdown, name="telemetry")
    process.install(settings.shutdown_timeout)


def _forget() -> None:
    telemetry.set_current(None)
    process.uninstall()


def _identity(settings: Settings, resource: Resource) -> Identity:
    """Return the identity of this process and of those forked from it."""
    names = (resource.attributes.get(f"service.{part}") for part in ("namespace", "name"))
    return Identity(
        service="/".join(str(name) for name in names if name),
        mode=settings.instance_id,
        own=_own_id(settings),
    )


def _confirm(identity: Identity, renewal: ResourceRenewal) -> None:
    """See to it that metrics leave under an id that is this process' alone."""
    if not identity.confirm():
        renewal.refresh()


def _own_id(settings: Settings) -> str | None:
    """Return the ``service.instance.id`` that the user has set."""
    return settings.resource_attributes.get("service.instance.id") or None


_OWN_PROPAGATORS: dict[str, type[TextMapPropagator]] = {
    "tracecontext": TraceContextTextMapPropagator,
    "baggage": W3CBaggagePropagator,
}


def build_propagator(settings: Settings) -> CompositePropagator:
    """Return the propagators that *settings* name, in their order."""
    return CompositePropagator(
        [_propagator(name) for name in settings.propagators if name != "none"]
    )


def _propagator(name: str) -> Any:
    if own := _OWN_PROPAGATORS.get(name):
        return own()
    (entry_point, *_) = entry_points(group=PROPAGATOR_GROUP, name=name)
    return entry_point.load()()
