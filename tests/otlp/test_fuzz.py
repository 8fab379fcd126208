"""The encoders on random objects, and the decoders on random bytes; what once failed is kept."""

from pathlib import Path

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_flow.delivery.encoding import MetricsEncoder, log_encoder, metric_points, span_encoder
from otel_flow.otlp.receiver.decode import UnreadableError, decode
from otel_flow.otlp.records import LogEvent
from otel_flow.otlp.responses import parse_response
from otel_flow.otlp.split import halves
from otel_flow.otlp.wire import WireError
from otel_flow.redaction import build_redaction
from otel_flow.settings import Settings
from tests.otlp import junk, strategies
from tests.otlp.decoding import decoded


FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
REDACTIONS = {"raw": None, "redacted": build_redaction(Settings())}
BATCHES = {
    "traces": st.lists(junk.spans | junk.anything, min_size=1, max_size=2),
    "logs": st.lists(junk.log_records | junk.anything, min_size=1, max_size=2),
    "metrics": junk.collections.map(lambda data: [data]),
}


def encoder(signal, redaction):
    """Return the encoder that the engine would use."""
    if signal == "metrics":
        return MetricsEncoder(redaction)
    if signal == "traces":
        return span_encoder(redaction, max_items=None)
    return log_encoder(
        redaction, max_items=None, limits=Settings().limits, resource=lambda: junk.RESOURCE
    )


def encoded(signal, batch, redaction):
    """Return the chunks of *batch*, and how many items were dropped by reason."""
    dropped = {}

    def drop(items, reason):
        dropped[reason] = dropped.get(reason, 0) + items

    return list(encoder(signal, redaction)(batch, drop)), dropped


@pytest.mark.parametrize("redaction", REDACTIONS)
@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@FUZZ
@given(random=st.data())
def test_any_object_is_sent_or_counted(signal, redaction, random):
    """Whatever stands in the fields of an item, it is in a request that decodes, or counted."""
    batch = random.draw(BATCHES[signal])
    chunks, dropped = encoded(signal, batch, REDACTIONS[redaction])

    produced = metric_points(batch[0]) if signal == "metrics" else len(batch)
    assert sum(chunk.items for chunk in chunks) + sum(dropped.values()) == produced
    assert set(dropped) <= {"unencodable", "invalid_ids", "no_number", "too_large"}
    for chunk in chunks:
        decoded(signal, chunk.body)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@FUZZ
@given(encoded=st.binary(max_size=100), items=st.integers(2, 9))
def test_any_bytes_are_split_or_refused(signal, encoded, items):
    """What is no request is told so; nothing else comes of splitting random bytes."""
    try:
        first, rest = halves(encoded, signal, items)
    except WireError:
        return
    assert len(first) + len(rest) <= 2 * len(encoded)


@FUZZ
@given(body=st.binary(max_size=100))
def test_any_bytes_are_an_answer(body):
    """Whatever the bytes of an answer, they are read, and never as fewer than no rejections."""
    assert parse_response(body).rejected >= 0


CORPUS = Path(__file__).parent / "corpus"


def kept(name):
    """Return the lines of a file of the corpus."""
    lines = (CORPUS / name).read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("redaction", REDACTIONS)
@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("line", kept("values.txt"))
def test_values_that_once_failed(line, signal, redaction):
    """A value of the corpus is sent or counted wherever it stands: attribute, name, body, number."""
    value = eval(line, vars(strategies))
    attributes = {"before": 1, "value": value, "after": 2}
    if signal == "traces":
        item = junk.span(_name=value, _attributes=attributes)
    elif signal == "logs":
        item = LogEvent(**junk.LOG | {"body": value, "attributes": attributes})
    else:
        item = junk.collection([junk.gauge(value, attributes)])
    chunks, dropped = encoded(signal, [item], REDACTIONS[redaction])

    assert sum(chunk.items for chunk in chunks) + sum(dropped.values()) == 1
    assert not dropped or (signal == "metrics" and set(dropped) == {"no_number"})
    for chunk in chunks:
        assert b"before" in chunk.body
        assert b"after" in chunk.body
        decoded(signal, chunk.body)


@pytest.mark.parametrize("line", kept("requests.txt"))
def test_requests_that_once_failed(line):
    """A request of the corpus is read or refused, and so is splitting it."""
    signal, digits = line.split()
    body = bytes.fromhex(digits)
    for attempt, refusal in ((decode, UnreadableError), (lambda s, b: halves(b, s, 2), WireError)):
        try:
            attempt(signal, body)
        except refusal:
            continue


def test_negative_enumerations_are_unknown():
    """A kind or a status that the receiver does not know is not taken for another one."""
    (line,) = [line for line in kept("requests.txt") if "30ffffffffffffffffff01" in line]
    (span,) = decode("traces", bytes.fromhex(line.split()[1])).spans

    assert (span.kind, span.status) == ("unspecified", "unset")
