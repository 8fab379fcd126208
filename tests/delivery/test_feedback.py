"""The engine's own work leaves no telemetry, whatever is instrumented and however much is logged."""

import logging

import pytest
import requests

from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tests.delivery.backend import until


class Posting(SpanExporter):
    """An exporter of somebody else's that sends with requests, and logs as it does."""

    def __init__(self, url):
        self._url = url
        self.exported = 0

    def export(self, spans):
        logging.getLogger("posting").warning("exporting")
        requests.post(self._url, data=b"", timeout=20)
        self.exported += len(spans)
        return SpanExportResult.SUCCESS


@pytest.fixture
def instrumented():
    """Have the clients of HTTP instrumented by contrib; undone at the end."""
    instrumentors = [RequestsInstrumentor(), URLLib3Instrumentor()]

    def instrument(tracer_provider):
        for instrumentor in instrumentors:
            instrumentor.instrument(tracer_provider=tracer_provider)

    yield instrument
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


def test_no_span_of_a_request_of_ours(backend, base, build, instrumented):
    """With every client instrumented, flushing again and again sends the one span there was."""
    exporter = Posting(backend.url("logs"))
    flow = build(base, delay=0.01, exporters={"span_exporters": [exporter]})
    instrumented(flow.tracers)
    flow.span()
    for _ in range(5):
        assert flow.pipeline.force_flush(20)

    until(lambda: exporter.exported == 1)
    assert [s.name for s in backend.spans()] == ["work"]
    assert flow.numbers("traces").produced == 1


def test_the_instrumentation_itself_works(backend, base, build, instrumented):
    """A request of the application is traced by the same instrumentors."""
    flow = build(base, delay=60)
    instrumented(flow.tracers)
    requests.post(backend.url("logs"), data=b"", timeout=20)

    assert flow.pipeline.force_flush(20)
    assert [s.name for s in backend.spans()] == ["POST"]


def test_the_engines_lines_stay_out_of_the_application(build, capsys, caplog):
    """What the engine says goes to stderr, and to no handler of the application."""
    flow = build("http://127.0.0.1:1", delay=60)
    flow.span()
    flow.pipeline.shutdown(0.2)

    assert "left behind at shutdown: 1 span" in capsys.readouterr().err
    assert not logging.getLogger("otel_flow.delivery").propagate
