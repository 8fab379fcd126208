"""Encoding by ours and by upstream, and decoding with opentelemetry-proto."""

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_flow.otlp import LogEncoder, MetricEncoder, Request, Sources, SpanEncoder


REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
UPSTREAM = {"traces": encode_spans, "metrics": encode_metrics, "logs": encode_logs}


def our_spans(spans, encoder=None):
    """Return the request of *spans*, encoded."""
    encoder = encoder or SpanEncoder()
    request = Request(Sources())
    for span in spans:
        request.add(span.resource, span.instrumentation_scope, encoder.encode(span))
    return request.encode()


def our_logs(records, encoder=None):
    """Return the request of *records*, encoded."""
    encoder = encoder or LogEncoder()
    request = Request(Sources())
    for record in records:
        request.add(record.resource, record.instrumentation_scope, encoder.encode(record))
    return request.encode()


def our_metrics(data, encoder=None):
    """Return the request of a collection, encoded."""
    encoder = encoder or MetricEncoder()
    request = Request(Sources())
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                frame = encoder.frame(metric)
                points = [frame.point(point) for point in metric.data.data_points]
                request.add(resource.resource, scope.scope, frame.around(points), len(points))
    return request.encode()


OURS = {"traces": our_spans, "metrics": our_metrics, "logs": our_logs}


def decoded(signal, encoded):
    """Return what opentelemetry-proto reads in a request."""
    return REQUESTS[signal].FromString(encoded)


def comparable(message):
    """Return *message* as bytes: NaN is not equal to itself, but to its bits."""
    return message.SerializeToString(deterministic=True)
