"""200 requests to a service, counted in its answers and lines, Jaeger, Prometheus and Loki."""

import collections
import signal

import pytest

from tests.e2e.conftest import REQUESTS, SECONDS
from tests.stack.query import jaeger_calls, poll_until, prometheus_exemplars


EVENTS = {
    ("item.read", "info"): 100,
    ("item.unknown", "warning"): 20,
    ("about.to.fail", "info"): 30,
    ("http.server.request.exception", "error"): 30,
    ("otel_flow.http.request", "info"): 200,
}
BY_ROUTE_AND_STATUS = {
    ("/items/{item_id}", "200"): 100,
    ("/items/{item_id}", "404"): 20,
    ("/items/{item_id}", "422"): 30,
    (None, "404"): 20,
    ("/fail", "500"): 30,
}


pytestmark = pytest.mark.stack


def test_the_client_got_what_it_should(run):
    """Telemetry changes no answer, and the service ends as it would without."""
    assert run.statuses == [status for _, status in REQUESTS]
    assert run.code == -signal.SIGTERM


def test_every_request_is_one_server_span(spans):
    """200 requests are 200 server spans in Jaeger, by route and status, and nothing else."""
    found = collections.Counter(
        (span.attributes.get("http.route"), span.attributes["http.response.status_code"])
        for span in spans
    )

    assert {span.kind for span in spans} == {2}
    assert len({span.trace_id for span in spans}) == len(REQUESTS)
    assert found == BY_ROUTE_AND_STATUS


def test_every_request_is_counted_once(samples):
    """The same 200 stand in Prometheus by route and status."""
    found = {
        (each["metric"].get("http_route"), each["metric"]["http_response_status_code"]): int(
            each["value"][1]
        )
        for each in samples
    }

    assert found == BY_ROUTE_AND_STATUS


def test_every_event_is_one_line_on_stdout(run):
    """The service printed exactly the expected lines."""
    found = collections.Counter((line["event"], line["level"]) for line in run.own_lines)
    # Whether the machine let the event loop wait says nothing of the service.
    del found["otel_flow.eventloop.blocked", "warning"]

    assert found == EVENTS


def test_every_line_is_one_line_in_loki(run, logged):
    """What the service printed is in Loki, no line more and none less, with the same ids."""
    printed = collections.Counter(
        (line["event"], line.get("trace_id"), line.get("span_id")) for line in run.lines
    )
    stored = collections.Counter(
        (text, labels.get("trace_id"), labels.get("span_id")) for labels, text in logged
    )

    assert stored == printed


def test_every_line_names_a_span_of_its_service(run, logged, spans):
    """Trace and span id of every line belong to a span that Jaeger has, of the same service."""
    known = {(span.trace_id, span.span_id): span.resource["service.name"] for span in spans}
    named = {
        known.get((labels["trace_id"], labels["span_id"]))
        for labels, _ in logged
        if "trace_id" in labels
    }

    assert named == {run.service}


def test_an_exemplar_leads_to_a_trace(run, spans, samples, stack):
    """Every exemplar of the duration in Prometheus is a trace that Jaeger has."""
    buckets = f'http_server_request_duration_seconds_bucket{{service_name="{run.service}"}}'
    exemplars = poll_until(
        lambda: prometheus_exemplars(stack.prometheus, buckets), SECONDS, "an exemplar"
    )
    known = {(span.trace_id, span.span_id) for span in spans}

    assert {(e["labels"]["trace_id"], e["labels"]["span_id"]) for e in exemplars} <= known


def test_all_three_backends_name_the_same_service(run, spans, logged, samples):
    """Name, namespace, version, instance and environment are equal in the three backends."""
    keys = ("service.name", "service.namespace", "service.version", "service.instance.id")
    keys += ("deployment.environment.name",)
    in_jaeger = {tuple(span.resource[key] for key in keys) for span in spans}
    labels = [key.replace(".", "_") for key in keys]
    in_loki = {tuple(stream[label] for label in labels) for stream, _ in logged}
    in_prometheus = {tuple(each["metric"][label] for label in labels) for each in samples}

    assert in_jaeger == in_loki == in_prometheus
    ((name, namespace, version, instance, environment),) = in_jaeger
    assert (name, namespace, version, environment) == (run.service, "e2e", "1.2.3", "test")
    assert samples[0]["metric"]["instance"] == instance
    assert samples[0]["metric"]["job"] == f"e2e/{run.service}"


def test_the_monitor_tab_has_its_rates(run, spans, stack):
    """Jaeger's Monitor tab finds the span metrics that the Collector made."""
    assert poll_until(lambda: jaeger_calls(stack.jaeger, run.service), SECONDS, "rates in Jaeger")
