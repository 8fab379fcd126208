"""Settings of the three signals: exporters, sampling, propagation, limits, queues, metrics."""

from __future__ import annotations

from otel_flow.names import environment
from otel_flow.settings.kinds import Flag, Seconds, Secret, Text, Whole, WordsOrNone, choice
from otel_flow.settings.pairs import Shares
from otel_flow.settings.plugins import Plugin, exporters, propagator, sampler
from otel_flow.settings.table.setting import Setting


_COUNT = Whole()
_SIZE = Whole(minimum=1)
_DELAY = Seconds()
_TIMEOUT = Seconds(timeout=True)

EXPORT = (
    Setting("sdk_disabled", "OTEL_SDK_DISABLED", Flag(), "true switches all three signals off."),
    Setting(
        "traces_exporters",
        "OTEL_TRACES_EXPORTER",
        exporters(environment.TRACES_EXPORTER_GROUP),
        "Exporters of spans: otlp, console, none, or names of plugins; several by commas.",
    ),
    Setting(
        "metrics_exporters",
        "OTEL_METRICS_EXPORTER",
        exporters(environment.METRICS_EXPORTER_GROUP),
        "Exporters of metrics: otlp, console, prometheus, none, or names of plugins; several by commas.",
    ),
    Setting(
        "logs_exporters",
        "OTEL_LOGS_EXPORTER",
        exporters(environment.LOGS_EXPORTER_GROUP),
        "Exporters of log records: otlp, console, none, or names of plugins; several by commas.",
    ),
)

TRACES = (
    Setting(
        "sampler",
        "OTEL_TRACES_SAMPLER",
        Text(accepts=sampler),
        "always_on, always_off, traceidratio, each also with parentbased_, or a plugin.",
    ),
    Setting(
        "sampler_argument",
        "OTEL_TRACES_SAMPLER_ARG",
        Text(),
        "Argument of the sampler: for traceidratio the share of traces, from 0 to 1.",
    ),
    Setting(
        "route_sampling",
        "OTEL_FLOW_ROUTE_SAMPLING",
        Shares(),
        "Share of the traces that begin with a route, `/search=0.1,/files/*=0`; for parentbased_ samplers.",
    ),
    Setting(
        "id_generator",
        "OTEL_PYTHON_ID_GENERATOR",
        Text(accepts=Plugin(environment.ID_GENERATOR_GROUP, ("random",))),
        "Generator of trace and span ids: random or a plugin.",
    ),
    Setting(
        "propagators",
        "OTEL_PROPAGATORS",
        WordsOrNone(each=propagator),
        "tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace, plugins by name, or none.",
    ),
)


def _limit(name: str, variable: str, doc: str, general: str = "") -> Setting:
    falls_back_to = (general,) if general else ()
    return Setting(f"limits.{name}", variable, _COUNT, doc, falls_back_to=falls_back_to)


_ALL_COUNT = "OTEL_ATTRIBUTE_COUNT_LIMIT"
_ALL_LENGTH = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"

LIMITS = (
    _limit("attribute_count", _ALL_COUNT, "Attributes of an item, unless a limit below is set."),
    _limit(
        "attribute_value_length",
        _ALL_LENGTH,
        "Characters of an attribute's text, unless a limit below is set; unset is no limit.",
    ),
    _limit(
        "span_attribute_count", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "Attributes a span.", _ALL_COUNT
    ),
    _limit(
        "span_attribute_value_length",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "Characters of a text in attributes of spans, their events and links.",
        _ALL_LENGTH,
    ),
    _limit("event_count", "OTEL_SPAN_EVENT_COUNT_LIMIT", "Events a span."),
    _limit("link_count", "OTEL_SPAN_LINK_COUNT_LIMIT", "Links a span."),
    _limit(
        "event_attribute_count",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "Attributes of a span's event.",
        _ALL_COUNT,
    ),
    _limit(
        "link_attribute_count",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "Attributes of a span's link.",
        _ALL_COUNT,
    ),
    _limit(
        "log_attribute_count",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        "Attributes of a log record.",
        _ALL_COUNT,
    ),
    _limit(
        "log_attribute_value_length",
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "Characters of a text in attributes of log records.",
        _ALL_LENGTH,
    ),
)


def _batch(group: str, prefix: str, items: str) -> tuple[Setting, ...]:
    return (
        Setting(
            f"{group}.schedule_delay",
            f"{prefix}_SCHEDULE_DELAY",
            _DELAY,
            f"Longest time that {items} wait for their batch.",
            "s",
        ),
        Setting(
            f"{group}.export_timeout",
            f"{prefix}_EXPORT_TIMEOUT",
            _TIMEOUT,
            f"Longest time to export a batch of {items}; 0 is endless.",
            "s",
        ),
        Setting(
            f"{group}.max_queue_size",
            f"{prefix}_MAX_QUEUE_SIZE",
            _SIZE,
            f"Most {items} in the queue; unset, OTEL_FLOW_QUEUE_BYTES rules.",
        ),
        Setting(
            f"{group}.max_export_batch_size",
            f"{prefix}_MAX_EXPORT_BATCH_SIZE",
            _SIZE,
            f"Most {items} in a request, at most the queue's size; unset, bytes rule.",
        ),
    )


QUEUES = (
    *_batch("span_batch", "OTEL_BSP", "spans"),
    *_batch("log_batch", "OTEL_BLRP", "log records"),
    Setting(
        "queue_bytes",
        "OTEL_FLOW_QUEUE_BYTES",
        Whole(minimum=64 * 1024, maximum=2**40),
        "Most memory that waiting telemetry takes, all signals together.",
        "bytes",
    ),
    Setting(
        "queue_drop",
        "OTEL_FLOW_QUEUE_DROP",
        choice("oldest", "newest"),
        "What is dropped when the queue is full: oldest or newest.",
    ),
    Setting(
        "shutdown_timeout",
        "OTEL_FLOW_SHUTDOWN_TIMEOUT",
        _DELAY,
        "Longest time that the end of the process waits for telemetry to be sent.",
        "s",
    ),
)

METRICS = (
    Setting(
        "metric_interval",
        "OTEL_METRIC_EXPORT_INTERVAL",
        Seconds(positive=True),
        "Time between two exports of metrics.",
        "s",
    ),
    Setting(
        "metric_timeout",
        "OTEL_METRIC_EXPORT_TIMEOUT",
        _TIMEOUT,
        "Longest time to export metrics; 0 is endless.",
        "s",
    ),
    Setting(
        "metric_temporality",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        choice("cumulative", "delta", "lowmemory"),
        "Temporality of OTLP metrics: cumulative, delta or lowmemory.",
    ),
    Setting(
        "histogram_aggregation",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        choice("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
        "Histograms by explicit_bucket_histogram or base2_exponential_bucket_histogram.",
    ),
    Setting(
        "exemplar_filter",
        "OTEL_METRICS_EXEMPLAR_FILTER",
        choice("always_on", "always_off", "trace_based"),
        "Which measurements may become exemplars: always_on, always_off or trace_based.",
    ),
    Setting(
        "cardinality_limit",
        "OTEL_FLOW_CARDINALITY_LIMIT",
        _SIZE,
        "Most attribute sets of an instrument; the rest is counted as otel.metric.overflow=true.",
    ),
    Setting(
        "prometheus_host",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        Text(),
        "Host that Prometheus pull listens on.",
    ),
    Setting(
        "prometheus_port",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        Whole(maximum=65535),
        "Port that Prometheus pull listens on.",
    ),
    Setting(
        "prometheus_token",
        "OTEL_FLOW_PROMETHEUS_TOKEN",
        Secret(),
        "Token that scrapers must bring as `Authorization: Bearer`; never shown.",
    ),
)
