"""The composition root: from settings and components to a running handle."""

from __future__ import annotations

import logging
import threading
import uuid
import weakref

from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource

from otel_flow import process, telemetry
from otel_flow.bootstrap.components import Components
from otel_flow.bootstrap.globals import set_globals
from otel_flow.correlation import carry_in_baggage
from otel_flow.delivery import build_pipeline
from otel_flow.delivery.pipeline import PULL
from otel_flow.errors import AlreadyConfiguredError
from otel_flow.instrumentation import libraries
from otel_flow.log_chain import build_log_chain
from otel_flow.process.fork import on_fork
from otel_flow.process.identity import Identity
from otel_flow.process.locks import renew_locks
from otel_flow.providers import build_logger_provider, build_meter_provider, build_tracer_provider
from otel_flow.providers.fork import ResourceRenewal
from otel_flow.providers.redacting import RedactingLogRecordProcessor, RedactingSpanProcessor
from otel_flow.redaction import build_redaction
from otel_flow.resource import build_resource, renew_resource
from otel_flow.telemetry import Telemetry, disabled_telemetry


if TYPE_CHECKING:
    from otel_flow.redaction import Redaction
    from otel_flow.settings import Settings
    from otel_flow.telemetry import Starter


_logger = logging.getLogger("otel_flow")
_lock = threading.Lock()
on_fork(child=lambda: renew_locks(_lock))


_NOTHING = Components()


def start(
    settings: Settings, components: Components = _NOTHING, *, starter: Starter = "application"
) -> Telemetry:
    """
    Start telemetry with *settings* and *components*, or return the handle that runs with them.

    Raises `AlreadyConfiguredError` where telemetry runs with others.
    """
    with _lock:
        running = telemetry.current()
        if running is not None:
            if differing := differences(running, settings, components):
                raise AlreadyConfiguredError(differing)
            return running
        handle = _start(settings, components)
        handle.starter = starter
        telemetry.set_current(handle)
    for warning in settings.warnings:
        _logger.warning("%s", warning)
    return handle


def differences(running: Telemetry, settings: Settings, components: Components) -> tuple[str, ...]:
    """Return the names of what *running* has otherwise than *settings* and *components* want it."""
    had = _components.get(running, _NOTHING)
    return (*running.settings.differences(settings), *had.differences(components))


_components: weakref.WeakKeyDictionary[Telemetry, Components] = weakref.WeakKeyDictionary()


def _start(settings: Settings, components: Components) -> Telemetry:
    redaction = build_redaction(settings)
    resource = build_resource(settings, instance_id=_own_id(settings) or str(uuid.uuid4()))
    if settings.sdk_disabled:
        return disabled_telemetry(settings, resource, redaction=redaction, on_shutdown=_forget)
    identity = _identity(settings, resource)
    resource = renew_resource(resource, instance_id=identity.current())
    if components.resource is not None:
        resource = resource.merge(components.resource)
    resource = Resource(redaction.attributes(resource.attributes), resource.schema_url)
    handle = _build(settings, resource, identity, components, redaction)
    _components[handle] = components
    set_globals(settings, handle)
    process.on_flush(handle.finish, name="telemetry")
    process.on_exit(handle.shutdown, name="telemetry")
    process.install(settings.shutdown_timeout)
    if PULL in settings.metrics_exporters:
        _serve_metrics(handle)
    return handle


def _serve_metrics(handle: Telemetry) -> None:
    from otel_flow.prometheus import serve  # noqa: PLC0415 - its client is an extra

    serve(handle)


def _build(
    settings: Settings,
    resource: Resource,
    identity: Identity,
    components: Components,
    redaction: Redaction,
) -> Telemetry:
    renewal = ResourceRenewal(resource, identity.current)
    pipeline = build_pipeline(
        settings,
        identity=identity,
        redaction=redaction,
        resource=renewal,
        **components.exporters_by_signal(),
    )
    pipeline.before_collection(lambda: _confirm(identity, renewal))
    meter_provider = build_meter_provider(
        settings,
        resource,
        metric_readers=[*pipeline.metric_readers, *components.metric_readers],
        views=components.views,
        renewal=renewal,
        redaction=redaction,
    )
    pipeline.attach(meter_provider)
    tracer_provider = build_tracer_provider(
        settings,
        resource,
        span_processors=[
            *(RedactingSpanProcessor(own, redaction) for own in components.span_processors),
            *pipeline.span_processors,
        ],
        meter_provider=meter_provider,
        renewal=renewal,
        sampler=components.sampler,
        id_generator=components.id_generator,
        redaction=redaction,
    )
    logger_provider = build_logger_provider(
        settings,
        resource,
        log_record_processors=[
            *(RedactingLogRecordProcessor(p, redaction) for p in components.log_record_processors),
            *pipeline.log_record_processors,
        ],
        meter_provider=meter_provider,
        renewal=renewal,
        redaction=redaction,
    )
    chain = build_log_chain(settings, resource, logger_provider, redaction)

    def stop() -> None:
        chain.uninstall()
        carry_in_baggage(())
        identity.release()
        _forget()

    handle = Telemetry(
        settings=settings,
        resource=resource,
        tracer_provider=tracer_provider,
        meter_provider=meter_provider,
        logger_provider=logger_provider,
        pipeline=pipeline,
        redaction=redaction,
        dispatch=libraries.instrument,
        log=chain.write,
        set_log_level=chain.set_level,
        is_logged=chain.is_logged,
        recurring=chain.recurring,
        on_shutdown=stop,
    )
    renewal.follow(handle.take_resource)
    chain.install()
    carry_in_baggage(settings.log_context_baggage)
    return handle


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
