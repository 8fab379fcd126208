"""A server that takes OTLP over HTTP on loopback and keeps what it decoded."""

from __future__ import annotations

import gzip
import http.server
import threading

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


_REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Receiver:
    """Everything that arrived, decoded."""

    def __init__(self) -> None:
        self.requests: list[object] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.requests.append(_REQUESTS[self.path].FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def resources(self) -> list[dict[str, str]]:
        """The resource attributes of every request."""
        return [
            {pair.key: pair.value.string_value for pair in group.resource.attributes}
            for request in list(self.requests)
            for group in _groups(request)
        ]

    def spans(self) -> list[object]:
        return [
            span
            for request in list(self.requests)
            if isinstance(request, ExportTraceServiceRequest)
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    def records(self) -> list[object]:
        return [
            record
            for request in list(self.requests)
            if isinstance(request, ExportLogsServiceRequest)
            for group in request.resource_logs
            for scope in group.scope_logs
            for record in scope.log_records
        ]

    def metric_names(self) -> set[str]:
        return {
            metric.name
            for request in list(self.requests)
            if isinstance(request, ExportMetricsServiceRequest)
            for group in request.resource_metrics
            for scope in group.scope_metrics
            for metric in scope.metrics
        }


def _groups(request: object) -> list[object]:
    for field in ("resource_spans", "resource_metrics", "resource_logs"):
        if hasattr(request, field):
            return list(getattr(request, field))
    raise TypeError(request)
