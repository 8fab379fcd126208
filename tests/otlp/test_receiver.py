"""The receiver in this process: what it takes, what it refuses, and that nothing ends it."""

import concurrent.futures
import gzip
import http.client
import json
import random
import socket
import threading
import zlib

import pytest
import zstandard

from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_flow.otlp.receiver import PortTakenError, Receiver
from otel_flow.otlp.receiver.decode import SIGNALS, UnreadableError, decode


PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
TRACE_ID = "5b8efff798038103d269b633813fc60c"


@pytest.fixture
def arrived():
    return []


@pytest.fixture
def refused():
    return []


@pytest.fixture
def receiver(arrived, refused):
    with Receiver(arrived.append, refused=refused.append) as running:
        yield running


def spans_request(count=1, **resource):
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for key, value in {"service.name": "shop", **resource}.items():
        group.resource.attributes.add(key=key).value.string_value = value
    scope = group.scope_spans.add()
    scope.scope.name = "app"
    for number in range(count):
        scope.spans.add(
            trace_id=bytes.fromhex(TRACE_ID),
            span_id=number.to_bytes(8, "big"),
            name="GET /",
            kind=2,
            start_time_unix_nano=1_000_000_000,
            end_time_unix_nano=1_250_000_000,
        )
    return request.SerializeToString()


def post(receiver, body, path="/v1/traces", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, body, {**PROTOBUF, **names})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_a_span_arrives_with_everything_it_carries(receiver, arrived):
    """A span is decoded with its ids in hexadecimal, its attributes typed, its service named."""
    request = ExportTraceServiceRequest.FromString(spans_request())
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.parent_span_id = b"\x01" * 8
    span.status.code, span.status.message = 2, "boom"
    span.attributes.add(key="n").value.int_value = 17
    listed = span.attributes.add(key="list").value.array_value.values
    listed.add().bool_value = True
    span.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.double_value = 0.5
    span.attributes.add(key="nothing")
    span.events.add(name="exception", time_unix_nano=7)
    span.links.add(trace_id=b"\x02" * 16, span_id=b"\x03" * 8)

    answer, content = post(receiver, request.SerializeToString())

    assert (answer.status, content) == (200, b"")
    ((found,),) = [batch.spans for batch in arrived]
    assert (found.trace_id, found.span_id, found.parent_id) == (TRACE_ID, "0" * 16, "01" * 8)
    assert (found.name, found.kind, found.status, found.seconds) == (
        "GET /",
        "server",
        "error",
        0.25,
    )
    assert found.status_message == "boom"
    assert found.attributes == {"n": 17, "list": [True], "map": {"k": 0.5}, "nothing": None}
    assert (found.source.service, found.source.scope) == ("shop", "app")
    assert [event.name for event in found.events] == ["exception"]
    assert found.links == (("02" * 16, "03" * 8),)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.compress),
        ("identity", bytes),
    ],
)
def test_compressed_bodies_are_taken(receiver, arrived, encoding, compress):
    """gzip, deflate and zstd carry the same request as no compression."""
    answer, _ = post(receiver, compress(spans_request()), Content_Encoding=encoding)

    assert answer.status == 200
    assert [len(batch.spans) for batch in arrived] == [1]


def test_chunked_bodies_are_taken(receiver, arrived):
    """A body without an announced length, as Java's exporter sends it, is taken."""
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    body = spans_request(3)
    pieces = [body[:10], body[10:]]
    connection.request("POST", "/v1/traces", iter(pieces), PROTOBUF, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()

    assert [len(batch.spans) for batch in arrived] == [3]


def test_json_is_taken_as_the_specification_writes_it(receiver, arrived):
    """OTLP's JSON has ids in hexadecimal, numbers as text, enumerations as numbers, unknown fields."""
    span = {
        "traceId": TRACE_ID.upper(),
        "spanId": "eee19b7ec3c1b174",
        "name": "I'm a server span",
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
        "kind": 2,
        "attributes": [{"key": "traceId", "value": {"stringValue": "not an id"}}],
        "invented": {"later": True},
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}

    answer, content = post(receiver, json.dumps(body), **JSON)

    assert (answer.status, content) == (200, b"{}")
    assert answer.headers["Content-Type"] == "application/json"
    ((found,),) = [batch.spans for batch in arrived]
    assert (found.trace_id, found.span_id) == (TRACE_ID, "eee19b7ec3c1b174")
    assert (found.kind, found.seconds, found.attributes) == (
        "server",
        1.0,
        {"traceId": "not an id"},
    )
    assert found.source.service == "unknown_service"


def test_points_of_every_kind():
    """Sums, gauges, histograms with exemplars and exponential histograms become points."""
    number = [{"attributes": [], "timeUnixNano": "5", "asInt": "3"}]
    histogram = {
        "count": "3",
        "sum": 1.5,
        "explicitBounds": [1.0],
        "bucketCounts": ["2", "1"],
        "exemplars": [{"asDouble": 0.5, "traceId": TRACE_ID, "spanId": "eee19b7ec3c1b174"}],
    }
    metrics = [
        {"name": "a", "unit": "1", "sum": {"isMonotonic": True, "dataPoints": number}},
        {"name": "b", "sum": {"aggregationTemporality": 1, "dataPoints": number}},
        {"name": "c", "gauge": {"dataPoints": number}},
        {"name": "d", "histogram": {"aggregationTemporality": 2, "dataPoints": [histogram]}},
        {"name": "e", "exponentialHistogram": {"dataPoints": [{"count": "4", "sum": 2.0}]}},
        {"name": "f", "summary": {"dataPoints": [{"count": "4"}]}},
    ]
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}

    points = decode("metrics", json.dumps(body).encode(), is_json=True).points

    assert [(point.name, point.kind, point.value, point.count) for point in points] == [
        ("a", "counter", 3, 1),
        ("b", "updowncounter", 3, 1),
        ("c", "gauge", 3, 1),
        ("d", "histogram", 1.5, 3),
        ("e", "exponential_histogram", 2.0, 4),
    ]
    assert [point.cumulative for point in points] == [True, False, True, True, True]
    (exemplar,) = points[3].exemplars
    assert (exemplar.trace_id, exemplar.value) == (TRACE_ID, 0.5)
    assert (points[3].bounds, points[3].buckets) == ((1.0,), (2, 1))
    assert points[0].series != points[1].series


def test_log_records():
    """A record keeps its body, its ids and its severity; without a time the observed one counts."""
    record = {
        "observedTimeUnixNano": "9",
        "severityNumber": 9,
        "severityText": "INFO",
        "body": {"stringValue": "order.placed"},
        "traceId": TRACE_ID,
        "spanId": "eee19b7ec3c1b174",
    }
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}

    (found,) = decode("logs", json.dumps(body).encode(), is_json=True).records

    assert (found.time, found.severity, found.severity_number) == (9, "INFO", 9)
    assert (found.body, found.trace_id) == ("order.placed", TRACE_ID)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (415, b"", {"Content_Type": "text/plain"}),
        (415, b"", {"Content_Encoding": "br"}),
        (400, b"\xff\xff", {}),
        (400, b"{", JSON),
        (400, b'{"resourceSpans": 3}', JSON),
        (
            400,
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"}]}]}]}',
            JSON,
        ),
        (400, b"[" * 100_000, JSON),
        (400, b"no gzip", {"Content_Encoding": "gzip"}),
        (400, gzip.compress(b"cut short")[:-3], {"Content_Encoding": "gzip"}),
        (400, b"no zstd", {"Content_Encoding": "zstd"}),
        (400, b"", {"Content_Length": "-1"}),
    ],
)
def test_refusals_say_why(receiver, refused, status, body, headers):
    """What cannot be taken is answered with its status and a `Status` message, and reported."""
    answer, content = post(receiver, body, **headers)

    assert answer.status == status
    as_json = headers is JSON
    message = json.loads(content)["message"] if as_json else Status.FromString(content).message
    assert [message] == refused
    assert message


def test_other_paths_are_refused(receiver, refused):
    """A path that is no signal's is refused with those that are."""
    answer, _ = post(receiver, b"", "/v1/profiles")

    assert answer.status == 404
    assert "/v1/traces, /v1/metrics, /v1/logs" in refused[0]


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("zstd", zstandard.compress), ("identity", bytes)],
)
def test_no_body_is_larger_than_the_limit(arrived, encoding, compress):
    """A small body that unpacks to a large one is refused before it is unpacked."""
    with Receiver(arrived.append, body_limit=100_000) as receiver:
        answer, _ = post(receiver, compress(bytes(10_000_000)), Content_Encoding=encoding)

    assert answer.status == 413
    assert arrived == []


def test_a_taken_port_is_named(receiver):
    """A port of another program is an error that names it."""
    with pytest.raises(PortTakenError, match=f"port {receiver.port} of 127.0.0.1 is taken"):
        Receiver(print, port=receiver.port)


def test_a_grpc_client_is_told(receiver, refused):
    """HTTP/2 on this port is a gRPC exporter: the refusal names the variable to set."""
    with socket.create_connection(("127.0.0.1", receiver.port), 10) as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        while client.recv(4096):
            pass

    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in refused[0]


def test_other_methods_are_refused(receiver, refused):
    """GET is refused like anything else that is no export."""
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    connection.request("GET", "/v1/traces")
    assert connection.getresponse().status == 501
    connection.close()

    assert len(refused) == 1


def test_connections_are_kept_alive(receiver, arrived):
    """One connection carries many requests."""
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    for _ in range(5):
        connection.request("POST", "/v1/traces", spans_request(), PROTOBUF)
        assert connection.getresponse().read() == b""
    connection.close()

    assert len(arrived) == 5


def test_what_looks_on_may_fail(refused):
    """A consumer that raises is reported; the client has delivered and is told so."""

    def deliver(batch):
        raise RuntimeError("view broke")

    with Receiver(deliver, refused=refused.append) as receiver:
        assert post(receiver, spans_request())[0].status == 200

    assert refused == ["RuntimeError: view broke"]


def test_concurrent_clients_lose_nothing(receiver, arrived):
    """Many clients at a time: each request is either taken or told to come again."""

    def send(_):
        answer, _ = post(receiver, spans_request(50))
        return answer.status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(send, range(80)))

    assert set(statuses) <= {200, 503}
    assert sum(len(batch) for batch in arrived) == 50 * statuses.count(200)
    assert statuses.count(200) >= 8


def test_stopping_ends_idle_connections(arrived):
    """Stopping with a client connected returns, and leaves no thread."""
    before = set(threading.enumerate())
    receiver = Receiver(arrived.append)
    with socket.create_connection(("127.0.0.1", receiver.port), 10):
        post(receiver, b"")
        receiver.stop()
        receiver.stop()

    names = {thread.name for thread in set(threading.enumerate()) - before}
    assert not any("otlp" in name or "process_request" in name for name in names)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(SIGNALS), st.binary(max_size=200), st.booleans())
def test_random_bytes_are_read_or_unreadable(signal, body, is_json):
    """Whatever the bytes, decoding returns a batch or raises `UnreadableError`."""
    try:
        batch = decode(signal, body, is_json=is_json)
    except UnreadableError:
        return
    assert len(batch) >= 0


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceSpans",
                    "scopeSpans",
                    "spans",
                    "traceId",
                    "spanId",
                    "kind",
                    "status",
                    "code",
                    "attributes",
                    "key",
                    "value",
                    "resource",
                    "resourceLogs",
                    "scopeLogs",
                    "logRecords",
                    "body",
                    "resourceMetrics",
                    "scopeMetrics",
                    "metrics",
                    "sum",
                    "dataPoints",
                    "asInt",
                    "stringValue",
                    "arrayValue",
                    "values",
                ]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(SIGNALS), _JSON_VALUES)
def test_random_json_is_read_or_unreadable(signal, value):
    """JSON with the right names in the wrong places is a batch or `UnreadableError`."""
    body = json.dumps(value).encode()
    try:
        batch = decode(signal, body, is_json=True)
    except UnreadableError:
        return
    assert len(batch) >= 0


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_damaged_requests_are_read_or_unreadable(data):
    """A real request with bytes changed is a batch or `UnreadableError`."""
    body = bytearray(spans_request(2))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        batch = decode("traces", bytes(body))
    except UnreadableError:
        return
    assert len(batch) >= 0


def test_random_bytes_on_the_wire_end_nothing(receiver, arrived):
    """After a few hundred connections of nonsense the next request is taken."""
    chance = random.Random(5)
    starts = [
        b"",
        b"POST /v1/traces HTTP/1.1\r\n",
        b"POST /v1/logs HTTP/1.1\r\nContent-Length: 9\r\n",
    ]
    starts += [b"POST /v1/traces HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", receiver.port), 10) as client:
            client.sendall(chance.choice(starts) + chance.randbytes(chance.randrange(300)))

    answer, _ = post(receiver, spans_request())

    assert answer.status == 200
    assert [len(batch) for batch in arrived] == [1]
