"""
Names of environment variables that are no settings of ours, and of the plugin groups.

The variables that are settings stand in `otel_flow.settings.table`. Together they
are every ``OTEL_*`` name of the specification that concerns an SDK: honoured there,
refused or explained here, never ignored in silence.
"""

from __future__ import annotations


OWN_PREFIX = "OTEL_FLOW_"
"""Prefix of variables for what the specification has no name for."""

DISTRO = "OTEL_PYTHON_DISTRO"
CONFIGURATOR = "OTEL_PYTHON_CONFIGURATOR"
ENTRY_POINT = "otel_flow"
"""What `DISTRO` and `CONFIGURATOR` are set to so that the wrapper takes ours."""

DISABLED_INSTRUMENTATIONS = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
SEMCONV_STABILITY_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"

REFUSED = {
    "OTEL_CONFIG_FILE": (
        "it unset: a configuration file replaces every other variable, and otel-flow does not "
        "read one yet; set the variables that `otel-flow env` lists"
    ),
    "OTEL_EXPERIMENTAL_CONFIG_FILE": (
        "it unset: a configuration file replaces every other variable, and otel-flow does not "
        "read one yet; set the variables that `otel-flow env` lists"
    ),
}
"""Variables that would change everything if they were honoured: a problem when set."""

_NO_ZIPKIN = "has no effect: spans are sent by OTLP, which Zipkin's Collector receiver accepts"
_NO_JAEGER = "has no effect: spans are sent by OTLP, which Jaeger accepts on ports 4317 and 4318"
_OUR_CONFIGURATOR = "has no effect: otel-flow builds the providers itself"

WITHOUT_EFFECT = {
    "OTEL_ENTITIES": "has no effect: entities are not supported; use OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE": "is obsolete; use OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE": "is obsolete; use OTEL_EXPORTER_OTLP_METRICS_INSECURE",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT": _NO_ZIPKIN,
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT": _NO_ZIPKIN,
    "OTEL_EXPORTER_ZIPKIN_PROTOCOL": _NO_ZIPKIN,
    "OTEL_EXPORTER_JAEGER_PROTOCOL": _NO_JAEGER,
    "OTEL_EXPORTER_JAEGER_ENDPOINT": _NO_JAEGER,
    "OTEL_EXPORTER_JAEGER_TIMEOUT": _NO_JAEGER,
    "OTEL_EXPORTER_JAEGER_USER": _NO_JAEGER,
    "OTEL_EXPORTER_JAEGER_PASSWORD": _NO_JAEGER,
    "OTEL_EXPORTER_JAEGER_AGENT_HOST": _NO_JAEGER,
    "OTEL_EXPORTER_JAEGER_AGENT_PORT": _NO_JAEGER,
    "OTEL_PYTHON_TRACER_CONFIGURATOR": _OUR_CONFIGURATOR,
    "OTEL_PYTHON_METER_CONFIGURATOR": _OUR_CONFIGURATOR,
    "OTEL_PYTHON_LOGGER_CONFIGURATOR": _OUR_CONFIGURATOR,
}
"""Variables that other programs may have set for everyone: a warning with the reason."""

PASSED_THROUGH = (
    "OTEL_PYTHON_DISTRO",
    "OTEL_PYTHON_CONFIGURATOR",
    "OTEL_PYTHON_CONTEXT",
    "OTEL_PYTHON_TRACER_PROVIDER",
    "OTEL_PYTHON_METER_PROVIDER",
    "OTEL_PYTHON_LOGGER_PROVIDER",
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
    "OTEL_PYTHON_LOG_LEVEL",
    "OTEL_PYTHON_LOG_HANDLER_LEVEL",
    "OTEL_PYTHON_LOG_FORMAT",
    "OTEL_PYTHON_LOG_CORRELATION",
    "OTEL_PYTHON_LOG_CODE_ATTRIBUTES",
    "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION",
    "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED",
    "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH",
    "OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_METRICS_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_LOGS_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE",
    "OTEL_SEMCONV_STABILITY_OPT_IN",
)
"""Variables that the API, the wrapper, contrib's instrumentations or the gRPC exporter read."""

PLATFORM_ATTRIBUTES = {
    "k8s.cluster.name": ("K8S_CLUSTER_NAME",),
    "k8s.namespace.name": ("K8S_NAMESPACE_NAME", "POD_NAMESPACE", "K8S_NAMESPACE"),
    "k8s.node.name": ("K8S_NODE_NAME", "NODE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME"),
    "k8s.pod.name": ("K8S_POD_NAME", "POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_POD_NAME"),
    "k8s.pod.uid": ("K8S_POD_UID", "POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID"),
    "k8s.pod.ip": ("K8S_POD_IP", "POD_IP", "OTEL_POD_IP"),
    "k8s.container.name": ("K8S_CONTAINER_NAME", "CONTAINER_NAME"),
    "k8s.deployment.name": ("K8S_DEPLOYMENT_NAME", "OTEL_RESOURCE_ATTRIBUTES_DEPLOYMENT_NAME"),
}
"""
Resource attribute → variables that a Kubernetes manifest fills by the downward API.

Names that start neither with ``K8S_`` nor with ``OTEL_`` count where
`KUBERNETES_SERVICE_HOST` is set: elsewhere they are anybody's.
"""

KUBERNETES_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
"""What every container of a pod has."""

HTTP_PROXY = "HTTP_PROXY"
HTTPS_PROXY = "HTTPS_PROXY"
ALL_PROXY = "ALL_PROXY"
NO_PROXY = "NO_PROXY"

TRACES_EXPORTER_GROUP = "opentelemetry_traces_exporter"
METRICS_EXPORTER_GROUP = "opentelemetry_metrics_exporter"
LOGS_EXPORTER_GROUP = "opentelemetry_logs_exporter"
SAMPLER_GROUP = "opentelemetry_traces_sampler"
PROPAGATOR_GROUP = "opentelemetry_propagator"
ID_GENERATOR_GROUP = "opentelemetry_id_generator"
RESOURCE_DETECTOR_GROUP = "opentelemetry_resource_detector"
