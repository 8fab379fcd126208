"""From the name to the acknowledgement, against servers that are wrong in every way."""

import contextlib
import socket
import ssl

import grpc
import pytest

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_flow.otlp.receiver import Receiver
from tests.authority import Authority
from tests.delivery.backend import Backend, black_hole
from tests.doctor.servers import grpc_server, plain_server
from tests.servers import free_port


ONLY_TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
SHORT = ("--timeout", "3")


def test_a_receiver_takes_one_probe_of_each_signal(examine):
    """One span, one point and one record arrive under one resource, and each is acknowledged."""
    batches = []
    with Receiver(batches.append) as receiver:
        found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint, OTEL_SERVICE_NAME="doctored")

    assert found.code == 0
    for signal in ("traces", "metrics", "logs"):
        assert found.one(f"probe.{signal}")["level"] == "ok"
    (span,) = [span for batch in batches for span in batch.spans]
    (record,) = [record for batch in batches for record in batch.records]
    (point,) = [point for batch in batches for point in batch.points]
    assert (span.trace_id, span.span_id) == (record.trace_id, record.span_id)
    assert span.trace_id in found.one("probe.trace_id")["message"]
    assert {each.source.service for each in (span, record, point)} == {"doctored"}


def test_nothing_is_sent_with_no_probe(examine, backend):
    """--no-probe connects to nothing."""
    found = examine("--no-probe", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{backend.port}")

    assert backend.attempts == []
    assert not [each for each in found.document["findings"] if each["check"][:5] == "probe"]


ANSWERS = {
    "redirect": (
        {"status": 302, "headers": {"Location": "https://user:geheim@login.example/?next=1"}},
        "redirects (HTTP 302) to https://REDACTED:REDACTED@login.example/?***: telemetry does not",
        "set OTEL_EXPORTER_OTLP_ENDPOINT to the final address",
    ),
    "page": (
        {"status": 200, "type": "text/html", "body": b"<html>"},
        "answers with an HTML page",
        "correct OTEL_EXPORTER_OTLP_ENDPOINT",
    ),
    "broken": (
        {"status": 500, "type": "text/plain", "body": b"boom"},
        "answers HTTP 500: boom",
        "look at the backend's own log",
    ),
    "status": (
        {"status": 503, "body": b"\x12\x09queue full"[:2] + b"queue ful"},
        "answers HTTP 503: queue ful",
        "services send again",
    ),
    "unknown": ({"status": 418}, "answers HTTP 418", "look at what answers at"),
    "page of an error": (
        {"status": 502, "type": "text/html", "body": b"<html><h1>Bad"},
        "answers HTTP 502: a page for people",
        "the backend behind it does not",
    ),
    "no headers": ({"status": 401}, "answers HTTP 401", "no headers are set"),
    "no path": ({"status": 404}, "answers HTTP 404", "the backend has no /v1/traces"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_wrong_answer_is_a_problem_with_its_reason(answer, examine, backend):
    """What the backend answers is told as it is, with what to do, and the exit code is 1."""
    script, message, advice = ANSWERS[answer]
    backend.script.append(script)

    found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{backend.port}", **ONLY_TRACES)

    finding = found.one("probe.traces")
    assert (found.code, finding["level"]) == (1, "problem")
    assert message in finding["message"]
    assert advice in finding["advice"]
    assert "geheim" not in found.text


def partial(rejected, message):
    success = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return ExportTraceServiceResponse(partial_success=success).SerializeToString()


def test_a_partial_success_is_a_problem(examine, backend):
    """A request that is taken and a span in it that is rejected is no success."""
    backend.script.append({"body": partial(1, "too old")})

    found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{backend.port}", **ONLY_TRACES)

    finding = found.one("probe.traces")
    assert finding["level"] == "problem"
    assert "takes the request, and rejects what is in it: too old" in finding["message"]


def test_a_remark_is_a_warning(examine, backend):
    """A backend that takes everything and complains is a warning."""
    backend.script.append({"body": partial(0, "deprecated attribute")})

    found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{backend.port}", **ONLY_TRACES)

    finding = found.one("probe.traces")
    assert (found.code, finding["level"]) == (0, "warning")
    assert "deprecated attribute" in finding["message"]


def test_a_success_that_is_not_otlp_is_a_warning(examine, backend):
    """A 200 in plain text may come from anything."""
    backend.script.append({"type": "text/plain", "body": b"hello"})

    found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{backend.port}", **ONLY_TRACES)

    assert "not in OTLP (text/plain): hello" in found.one("probe.traces")["message"]


def test_an_endpoint_of_one_signal_without_path(examine):
    """A signal's own endpoint is taken as it is: what is missing at its end is named."""
    with Receiver(lambda _batch: None) as receiver:
        found = examine(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=receiver.endpoint, **ONLY_TRACES)

    advice = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is: /v1/traces is missing at its end"
    )
    assert "'/' is none of /v1/traces" in found.one("probe.traces")["message"]
    assert found.one("probe.traces")["advice"] == advice


def test_nobody_listens(examine):
    """A closed port is told at the connection, and no probe is sent."""
    found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")

    finding = found.one("endpoint.tcp")
    assert finding["message"].startswith("nothing listens at 127.0.0.1:")
    assert "otel-flow collector init" in finding["advice"]
    assert not found.found("probe.traces")
    assert found.code == 1


def test_a_name_that_is_none(examine):
    """A host that cannot be resolved is told at the name."""
    found = examine(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4318")

    finding = found.one("endpoint.dns")
    assert "the name collector.invalid cannot be resolved" in finding["message"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in finding["advice"]
    assert not found.found("endpoint.tcp")


def test_connections_that_are_never_answered(examine):
    """A backend that takes connections and says nothing is given up after the time limit."""
    with black_hole() as port:
        found = examine(*SHORT, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")

    for signal in ("traces", "metrics", "logs"):
        finding = found.one(f"probe.{signal}")
        assert "no answer from" in finding["message"]
        assert "a longer time is --timeout" in finding["advice"]


@contextlib.contextmanager
def full():
    """The port of a socket whose queue of connections is full: the next one waits for ever."""
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(listening.getsockname())
        yield listening.getsockname()[1]


def test_packets_that_disappear(examine):
    """A host that never answers is given up after the time limit, and firewalls are named."""
    with full() as port:
        found = examine(*SHORT, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")

    finding = found.one("endpoint.tcp")
    assert finding["message"] == f"127.0.0.1:{port} does not answer within 3 s"
    assert "firewall" in finding["advice"]


@contextlib.contextmanager
def secure(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    running = Backend(tls=context)
    try:
        yield f"https://127.0.0.1:{running.port}"
    finally:
        running.close()


def test_an_unknown_authority(examine, tmp_path):
    """A certificate of an authority nobody knows is told with the variable that names it."""
    with secure(Authority(tmp_path)) as endpoint:
        found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **ONLY_TRACES)

    finding = found.one("endpoint.tls")
    assert "unable to get local issuer certificate" in finding["message"]
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in finding["advice"]
    assert not found.found("probe.traces")


def test_a_known_authority(examine, tmp_path):
    """With the authority's file the handshake is fine, and the probe is taken."""
    authority = Authority(tmp_path)
    with secure(authority) as endpoint:
        found = examine(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_CERTIFICATE=authority.file,
            **ONLY_TRACES,
        )

    assert found.one("endpoint.tls")["message"].startswith("TLSv1")
    assert found.one("probe.traces")["level"] == "ok"


def test_a_certificate_that_ends_soon(examine, tmp_path):
    """A certificate in its last month is a warning with its date."""
    authority = Authority(tmp_path, days=3)
    with secure(authority) as endpoint:
        found = examine(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_CERTIFICATE=authority.file,
            **ONLY_TRACES,
        )

    assert found.one("endpoint.tls")["level"] == "warning"
    assert " days, on " in found.one("endpoint.tls")["message"]


def test_another_name_in_the_certificate(examine, tmp_path):
    """A host that the certificate does not name is told."""
    authority = Authority(tmp_path)
    with secure(authority) as endpoint:
        found = examine(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.replace("127.0.0.1", "localhost"),
            OTEL_EXPORTER_OTLP_CERTIFICATE=authority.file,
            **ONLY_TRACES,
        )

    assert "as the certificate does" in found.one("endpoint.tls")["advice"]


def test_https_to_a_server_without_tls(examine):
    """A scheme that the server does not speak is told, with the one it may speak."""
    with plain_server() as port:
        found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"https://127.0.0.1:{port}", **ONLY_TRACES)

    finding = found.one("endpoint.tls")
    assert "it does not speak TLS" in finding["message"]
    assert "http:// instead of https://" in finding["advice"]


def test_unix_sockets(examine, tmp_path):
    """A socket that nobody listens at is told by its path."""
    path = tmp_path / "otel.sock"

    found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"unix://{path}", **ONLY_TRACES)

    assert found.one("endpoint.tcp")["subject"] == str(path)
    assert "mount the socket here" in found.one("endpoint.tcp")["advice"]


def test_a_proxy_is_named(examine, backend):
    """With a proxy the connection goes to it, and its password stays hidden."""
    found = examine(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4318",
        HTTP_PROXY=f"http://user:geheim@127.0.0.1:{backend.port}",
        **ONLY_TRACES,
    )

    assert "the proxy http://REDACTED:REDACTED@127.0.0.1" in found.one("endpoint.tcp")["message"]
    assert found.one("probe.traces")["level"] == "ok"
    assert "geheim" not in found.text


GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **ONLY_TRACES}


def test_grpc_is_probed_too(examine):
    """Over gRPC the acknowledgement is read as over HTTP."""
    with grpc_server(lambda _context: partial(1, "too old")) as port:
        found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}", **GRPC)

    assert "rejects what is in it: too old" in found.one("probe.traces")["message"]


def test_grpc_that_is_refused(examine):
    """A status of gRPC is told by its name."""

    def refuse(context):
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

    with grpc_server(refuse) as port:
        found = examine(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"127.0.0.1:{port}",
            OTEL_EXPORTER_OTLP_INSECURE="true",
            **GRPC,
        )

    finding = found.one("probe.traces")
    assert "answers UNAUTHENTICATED: who are you?" in finding["message"]
    assert "OTEL_EXPORTER_OTLP_HEADERS" in finding["advice"]


def test_http_to_the_port_of_grpc(examine):
    """HTTP/1.1 sent to a gRPC server gets no answer that HTTP knows."""
    with grpc_server(lambda _context: b"") as port:
        found = examine(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}", **ONLY_TRACES)

    finding = found.one("probe.traces")
    assert (found.code, finding["level"]) == (1, "problem")
    assert "gRPC" in finding["advice"]
