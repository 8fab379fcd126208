"""From single values to the fields of the settings: groups, endpoints, the resource's names."""

from __future__ import annotations

import dataclasses

from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otel_flow.names import environment
from otel_flow.settings import endpoints
from otel_flow.settings.groups import LIMITS, LOG_BATCH, SPAN_BATCH, OtlpSettings
from otel_flow.settings.kinds import Rejected, Url
from otel_flow.settings.proxies import NO_PROXIES
from otel_flow.settings.reading import UNSET
from otel_flow.settings.table import SETTINGS, SIGNALS


if TYPE_CHECKING:
    from otel_flow.settings.reading import Reading


_URL = Url()
_GRPC_PORT = 4317
_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"


def fields(reading: Reading) -> dict[str, Any]:
    """Return the fields of the settings that were given, groups put together."""
    _name_resource(reading)
    _place(reading)
    return {
        **{name: value for name, value in reading.values.items() if "." not in name},
        **{f"otlp_{signal}": otlp(reading, signal) for signal in SIGNALS},
        "proxies": _group(reading, "proxies", NO_PROXIES),
        "span_batch": _group(reading, "span_batch", SPAN_BATCH),
        "log_batch": _group(reading, "log_batch", LOG_BATCH),
        "limits": _group(reading, "limits", LIMITS),
    }


def _name_resource(reading: Reading) -> None:
    """
    Merge the resource attributes of keyword and variable, and name the service by them.

    For the fields that an attribute may give: keyword, attribute of the keyword,
    own variable, attribute of the variable.
    """
    kind = next(setting.kind for setting in SETTINGS if setting.variable == _ATTRIBUTES)
    from_variable = reading.variable(_ATTRIBUTES, kind)
    from_variable = {} if from_variable is UNSET else from_variable
    is_keyword = reading.sources.get("resource_attributes") == "keyword"
    from_keyword = reading.values["resource_attributes"] if is_keyword else {}
    for setting in SETTINGS:
        source = reading.sources.get(setting.field)
        if source != "keyword" and from_keyword.get(setting.attribute):
            reading.keep(setting.field, from_keyword[setting.attribute], "keyword")
        elif source is None and from_variable.get(setting.attribute):
            reading.keep(setting.field, from_variable[setting.attribute], _ATTRIBUTES)
    reading.values["resource_attributes"] = MappingProxyType({**from_variable, **from_keyword})


def _place(reading: Reading) -> None:
    """Read the resource attributes that the platform's variables give."""
    if "platform_attributes" in reading.values:
        return
    found = {
        attribute: name
        for attribute, names in environment.PLATFORM_ATTRIBUTES.items()
        if (name := next((name for name in names if _says(reading, name)), None))
    }
    if found:
        values = {attribute: reading.environ[name].strip() for attribute, name in found.items()}
        reading.keep("platform_attributes", MappingProxyType(values), ", ".join(found.values()))


def _says(reading: Reading, name: str) -> bool:
    """Return whether a platform's variable is set and means what we take it for."""
    is_clear = name.startswith(("K8S_", "OTEL_"))
    in_cluster = environment.KUBERNETES_SERVICE_HOST in reading.environ
    return (is_clear or in_cluster) and bool(reading.environ.get(name, "").strip())


def otlp(reading: Reading, signal: str) -> OtlpSettings:
    """Return how *signal* is sent."""
    given = _members(reading, f"otlp_{signal}")
    protocol = given.get("protocol", "http/protobuf")
    return OtlpSettings(**{**given, "endpoint": _endpoint(reading, signal, protocol)})


def _endpoint(reading: Reading, signal: str, protocol: str) -> str:
    """Return the endpoint of *signal*; a wrong one is reported and replaced by the default."""
    field = f"otlp_{signal}.endpoint"
    text = reading.values.get(field)
    if text is None:
        return endpoints.default_endpoint(protocol, signal)
    is_own = f"otlp_{signal}" in reading.keywords or signal.upper() in reading.sources[field]
    try:
        rule = endpoints.own_endpoint if is_own else endpoints.common_endpoint
        endpoint = rule(text, protocol, signal)
    except Rejected as rejected:
        name = reading.source_of(field) if is_own else reading.source_of(field).rpartition(".")[2]
        reading.reject(name, _URL.hidden(text), str(rejected))
        return endpoints.default_endpoint(protocol, signal)
    if protocol != "grpc" and _has_grpc_port(endpoint):
        reading.warn(
            f"{reading.source_of(field).rpartition('.')[2]}={_URL.hidden(text)} has gRPC's port, but "
            "the protocol is http/protobuf, whose port is 4318; change the port, or set "
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        )
    return endpoint


def _has_grpc_port(endpoint: str) -> bool:
    return endpoint.startswith("http") and urlsplit(endpoint).port == _GRPC_PORT


def _members(reading: Reading, group: str) -> dict[str, Any]:
    prefix = f"{group}."
    return {
        field.removeprefix(prefix): value
        for field, value in reading.values.items()
        if field.startswith(prefix)
    }


def _group(reading: Reading, name: str, default: Any) -> Any:
    return dataclasses.replace(default, **_members(reading, name))
