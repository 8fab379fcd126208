"""A probe over gRPC, on a channel of its own, so that the acknowledgement is seen."""

from __future__ import annotations

import pathlib

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otel_flow.doctor import answers
from otel_flow.doctor.finding import problem


if TYPE_CHECKING:
    from otel_flow.doctor.answers import Question
    from otel_flow.doctor.finding import Finding
    from otel_flow.settings import OtlpSettings


_METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_ADVICE = {
    "UNAUTHENTICATED": "set OTEL_EXPORTER_OTLP_HEADERS, such as api-key=…",
    "PERMISSION_DENIED": "the headers are known, and may not do this: look at their rights",
    "UNIMPLEMENTED": "it speaks gRPC and takes none of this signal: add it to the receiver's "
    "pipelines",
    "UNAVAILABLE": "is it the port of gRPC (4317)? 4318 is that of http/protobuf; and does "
    "http:// or https:// fit?",
    "DEADLINE_EXCEEDED": "it takes connections, and no requests; a longer time is --timeout",
    "RESOURCE_EXHAUSTED": "the backend is busy, or limits you: services send again",
}


def ask(question: Question, body: bytes, seconds: float) -> Finding:
    """Send *body* and return what the answer means."""
    import grpc

    with _channel(grpc, question.otlp) as channel:
        export = channel.unary_unary(_METHODS[question.signal])
        try:
            taken = export(body, timeout=seconds, metadata=question.otlp.headers)
        except grpc.RpcError as error:
            return _failed(question, error)
    return answers.acknowledged(question, taken, "gRPC")


def _channel(grpc: Any, otlp: OtlpSettings) -> Any:
    parts = urlsplit(otlp.endpoint)
    place = parts.netloc if parts.scheme in {"http", "https"} else otlp.endpoint
    compression = grpc.Compression.Gzip if otlp.compression == "gzip" else None
    if otlp.insecure:
        return grpc.insecure_channel(place, compression=compression)
    files = (otlp.certificate, otlp.client_key, otlp.client_certificate)
    credentials = grpc.ssl_channel_credentials(
        *(pathlib.Path(file).read_bytes() if file else None for file in files)
    )
    return grpc.secure_channel(place, credentials, compression=compression)


def _failed(question: Question, error: Any) -> Finding:
    code = error.code().name
    return problem(
        f"probe.{question.signal}",
        f"{question.url} answers {code}: {error.details()}",
        _ADVICE.get(code, "look at the backend's own log"),
        subject=question.signal,
    )
