"""Where the links lead that Jaeger's UI and Grafana show, run on the real backends."""

import collections
import datetime
import json
import re
import urllib.parse
import urllib.request

import pytest
import yaml

from tests.stack.build import ROOT
from tests.stack.query import jaeger_spans, loki_lines, prometheus_samples


pytestmark = pytest.mark.stack

UI = json.loads((ROOT / "collector" / "jaeger" / "ui.json").read_text())
DATA_SOURCES = yaml.safe_load(
    (ROOT / "collector/grafana/provisioning/datasources/otel-flow.yaml").read_text()
)["datasources"]
PARAMETER = re.compile(r"#\{([^{}|]*?)(?: *\| *([^{}]*))?\}")


def pattern(kind):
    (found,) = [each for each in UI["linkPatterns"] if each["type"] == kind]
    return found


def explore(url, values):
    """Fill the URL of a link as Jaeger's UI does; the query of Grafana's Explore and its range."""

    def fill(match):
        value = values[match[1]]
        if match[2] == "epoch_micros_to_date_iso":
            value = datetime.datetime.fromtimestamp(value / 1e6, datetime.UTC).isoformat()
        return urllib.parse.quote(str(value), safe="")

    parts = urllib.parse.urlsplit(PARAMETER.sub(fill, url))
    assert parts.netloc == "127.0.0.1:3000"
    ((_, pane),) = json.loads(urllib.parse.parse_qs(parts.query)["panes"][0]).items()
    (query,) = pane["queries"]
    assert query["datasource"]["uid"] == pane["datasource"]
    return pane["datasource"], query["expr"], pane["range"]


def ui_trace(jaeger, trace_id):
    """A trace as the UI gets it, with what its patterns may refer to."""
    with urllib.request.urlopen(f"{jaeger}/api/traces/{trace_id}") as answer:
        (trace,) = json.load(answer)["data"]
    starts = [span["startTime"] for span in trace["spans"]]
    return trace, {"traceID": trace["traceID"], "startTime": min(starts)}


def values_of(tags):
    return {tag["key"]: tag["value"] for tag in tags}


def printed_in_trace(run, trace_id):
    return collections.Counter(
        (line["event"], line["span_id"]) for line in run.lines if line.get("trace_id") == trace_id
    )


def found_in_loki(stack, expression):
    return collections.Counter(
        (text, labels["span_id"]) for labels, text in loki_lines(stack.loki, expression)
    )


@pytest.fixture
def trace_id(run, spans, logged):
    return spans[0].trace_id


def test_a_trace_leads_to_its_log_lines(run, stack, trace_id):
    """The link at the top of a trace returns exactly the lines written in it."""
    _, trace = ui_trace(stack.jaeger, trace_id)

    uid, expression, between = explore(pattern("traces")["url"], trace)

    assert (uid, between["to"]) == ("loki", "now")
    assert datetime.datetime.fromisoformat(between["from"]).timestamp() * 1e6 == trace["startTime"]
    assert found_in_loki(stack, expression) == printed_in_trace(run, trace_id)


def test_a_span_leads_to_the_lines_of_its_process(run, stack, trace_id):
    """The link at a span returns the lines that its process wrote in the trace."""
    trace, of_trace = ui_trace(stack.jaeger, trace_id)
    (span,) = trace["spans"]
    tags = values_of(span["tags"])
    process = values_of(trace["processes"][span["processID"]]["tags"])
    values = process | tags | {f"trace.{name}": value for name, value in of_trace.items()}

    assert pattern("tags")["key"] in tags
    _, expression, _ = explore(pattern("tags")["url"], values)

    assert found_in_loki(stack, expression) == printed_in_trace(run, trace_id)


def test_a_process_leads_to_its_metrics(run, stack, trace_id, samples):
    """The link at a process is a query that Prometheus accepts, on series that exist."""
    trace, _ = ui_trace(stack.jaeger, trace_id)
    process = values_of(trace["processes"][trace["spans"][0]["processID"]]["tags"])

    assert pattern("process")["key"] in process
    uid, expression, _ = explore(pattern("process")["url"], process)
    prometheus_samples(stack.prometheus, expression, at=run.ended)
    series = re.search(r"http_\w+\{.*?\}", expression)[0]

    assert uid == "prometheus"
    assert len(prometheus_samples(stack.prometheus, series, at=run.ended)) == len(samples)


def data_source(name):
    (found,) = [each for each in DATA_SOURCES if each["uid"] == name]
    return found["jsonData"]


def test_grafana_leads_from_a_trace_to_its_log_lines(run, stack, trace_id):
    """The query of the Jaeger data source returns exactly the lines of the trace."""
    query = data_source("jaeger")["tracesToLogsV2"]["query"].replace("$$", "$")

    expression = query.replace("${__trace.traceId}", trace_id)

    assert found_in_loki(stack, expression) == printed_in_trace(run, trace_id)


def test_grafana_leads_from_a_line_to_its_trace(run, stack, logged):
    """The label that the Loki data source takes for the trace id is one that Jaeger knows."""
    (field,) = data_source("loki")["derivedFields"]
    (label, *_) = {stream[field["matcherRegex"]] for stream, _ in logged if "trace_id" in stream}

    assert (field["matcherType"], field["datasourceUid"]) == ("label", "jaeger")
    assert jaeger_spans(stack.jaeger, label)


def test_grafana_asks_prometheus_for_series_that_exist(run, stack, trace_id, samples):
    """Every query from a trace to metrics finds series once its tags are filled in."""
    settings = data_source("jaeger")["tracesToMetrics"]
    (tag,) = settings["tags"]
    (span, *_) = jaeger_spans(stack.jaeger, trace_id)
    matcher = f'{tag["value"]}="{span.resource[tag["key"]]}"'

    for query in settings["queries"]:
        expression = query["query"].replace("$$__tags", matcher)
        prometheus_samples(stack.prometheus, expression, at=run.ended)
        (series,) = re.findall(r"http_\w+\{.*?\}", expression)

        assert prometheus_samples(stack.prometheus, series, at=run.ended)
