"""What is found wrong in a configuration, with and without a Collector to ask."""

import copy

import pytest

from otel_flow.collector_config import (
    base_file,
    effective,
    find_binary,
    load,
    validate_with,
    verify,
)
from otel_flow.collector_config.check import SECTIONS
from tests.stack.build import COLLECTOR, binary


GOOD, _ = effective([load(base_file())], {})


def changed(change):
    document = copy.deepcopy(GOOD)
    change(document)
    return document


def pipeline(document, name="traces"):
    return document["service"]["pipelines"][name]


def sees(document):
    return [
        (str(finding).split(": ")[0], finding.where, finding.what) for finding in verify(document)
    ]


def test_nothing_is_wrong_with_ours():
    """The configuration that otel-flow brings has no finding."""
    assert verify(GOOD) == []


@pytest.mark.parametrize(
    ("change", "kind", "where", "what"),
    [
        (
            lambda d: d.update(recievers={}),
            "error",
            "recievers",
            f"not a section; expected {', '.join(SECTIONS)} or service",
        ),
        (lambda d: d["service"].pop("pipelines"), "error", "service.pipelines", "no pipeline"),
        (
            lambda d: pipeline(d).update(receivers=[]),
            "error",
            "service.pipelines.traces",
            "no receivers",
        ),
        (
            lambda d: pipeline(d).update(exporters=None),
            "error",
            "service.pipelines.traces",
            "no exporters",
        ),
        (
            lambda d: pipeline(d)["exporters"].append("otlp/other"),
            "error",
            "service.pipelines.traces.exporters",
            "otlp/other is not defined",
        ),
        (
            lambda d: d["service"]["pipelines"].update({"spans": dict(pipeline(d))}),
            "error",
            "service.pipelines.spans",
            "not a signal; expected traces, metrics, logs, profiles",
        ),
        (
            lambda d: pipeline(d)["exporters"].remove("span_metrics"),
            "error",
            "connectors.span_metrics",
            "no pipeline sends to it",
        ),
        (
            lambda d: pipeline(d, "metrics")["receivers"].remove("span_metrics"),
            "error",
            "connectors.span_metrics",
            "no pipeline reads from it",
        ),
        (
            lambda d: d["extensions"].clear(),
            "error",
            "service.extensions",
            "health_check is not defined",
        ),
        (
            lambda d: d["exporters"]["otlp_http/loki"]["sending_queue"].update(
                storage="file_storage"
            ),
            "error",
            "exporters.otlp_http/loki.sending_queue.storage",
            "file_storage is not in service.extensions",
        ),
        (
            lambda d: d["processors"].update(filter={}),
            "warning",
            "processors.filter",
            "defined, but not used",
        ),
        (
            lambda d: pipeline(d).update(processors=[]),
            "warning",
            "service.pipelines.traces",
            "no memory_limiter",
        ),
        (
            lambda d: pipeline(d, "metrics")["processors"].reverse(),
            "warning",
            "service.pipelines.metrics.processors",
            "memory_limiter is not first: what stands before it takes memory unlimited",
        ),
    ],
)
def test_each_mistake_is_found_where_it_is(change, kind, where, what):
    """A mistake in the structure is one finding that names the place."""
    assert (kind, where, what) in sees(changed(change))


@pytest.mark.parametrize("document", [{}, {"service": None}, {"service": {"pipelines": []}}])
def test_nonsense_is_a_finding_not_a_crash(document):
    """Sections of the wrong type are reported."""
    assert ("error", "service.pipelines", "no pipeline") in sees(document)


@pytest.mark.stack
def test_the_collector_is_asked_where_there_is_one(backends, tmp_path):
    """With a Collector its own validation counts, options of components included."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("exporters: {otlp_http/loki: {end_point: x}}")
    collector = str(binary(COLLECTOR))

    assert validate_with(collector, [base_file()]) == []
    (finding,) = validate_with(collector, [base_file(), wrong])
    assert "end_point" in finding.what
    assert not finding.is_warning


def test_a_collector_is_found_on_the_path(tmp_path, monkeypatch):
    """The first known name on PATH is taken, none if there is none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() is None
    for name in ("otelcol", "otelcol-contrib"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)

    assert find_binary() == str(tmp_path / "otelcol-contrib")
