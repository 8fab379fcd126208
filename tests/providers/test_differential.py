"""Random programs through upstream's SDK and through our short paths: told the same."""

import logging

import pytest

from tests.providers.programs import Program, plan
from tests.providers.sides import Ours, Upstream


PARTS = 20
PROGRAMS = 1000

LATER = 1_750_000_000_000_000_000


@pytest.mark.filterwarnings(
    "ignore::opentelemetry.sdk._logs._internal.LogRecordDroppedAttributesWarning"
)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_receiver_is_told_the_same(part):
    """Of fifty random programs, a receiver decodes from our paths what it does from the SDK's."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    try:
        for seed in range(part + 1, PROGRAMS + 1, PARTS):
            compare(seed)
    finally:
        logging.getLogger("opentelemetry").setLevel(logging.NOTSET)


def compare(seed):
    found = plan(seed)
    found.ours = Ours(found)
    programs = []
    for side in (found.ours, Upstream(found)):
        programs.append(Program(seed, side))
        programs[-1].run()
    (spans, logs, collections), (their_spans, their_logs, their_collections) = (
        program.side.told() for program in programs
    )

    assert str(without_traces(spans)) == str(without_traces(their_spans)), f"spans of {seed}"
    assert str(logs) == str(their_logs), f"log records of {seed}"
    assert len(collections) == len(their_collections)
    for ours, theirs in zip(collections, their_collections, strict=True):
        offered = programs[0].offered
        assert str(timeless(ours, offered)) == str(timeless(theirs, offered)), f"metrics of {seed}"


def _spans(request):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def _timed(nanoseconds):
    return min(nanoseconds, LATER)


def without_traces(request):
    """
    Return *request* with of each stack trace its last line, which is the exception.

    What ends with a block ends now, and not at a time of the program's.
    """
    for span in _spans(request):
        span.end_time_unix_nano = _timed(span.end_time_unix_nano)
        for event in span.events:
            event.time_unix_nano = _timed(event.time_unix_nano)
            for attribute in event.attributes:
                if attribute.key == "exception.stacktrace":
                    lines = attribute.value.string_value.rstrip().split("\n")
                    attribute.value.string_value = lines[-1]
    return request


def timeless(request, offered):
    """Return *request* without times; of exemplars drawn by lot, only how many there are."""
    for metric in (
        metric
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ):
        kind = metric.WhichOneof("data")
        for point in getattr(metric, kind).data_points:
            assert point.start_time_unix_nano <= point.time_unix_nano
            point.ClearField("start_time_unix_nano")
            point.ClearField("time_unix_nano")
            for exemplar in point.exemplars:
                assert exemplar.time_unix_nano
                exemplar.ClearField("time_unix_nano")
                if kind != "histogram":
                    assert (exemplar.as_double or exemplar.as_int) in offered
                    exemplar.Clear()
    return request
