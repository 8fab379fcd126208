"""What a real Collector takes of us: every way in, and whatever applications record."""

import json
import os
import subprocess

from pathlib import Path

import pytest

from opentelemetry._logs import LogRecord

from tests.authority import Authority
from tests.delivery.backend import until
from tests.otlp import strategies
from tests.otlp.test_fuzz import kept
from tests.servers import free_port
from tests.stack.build import COLLECTOR, binary, is_built
from tests.stack.query import is_answering


pytestmark = pytest.mark.stack

_CONFIGURATION = """
receivers:
  otlp:
    protocols:
      http: {{endpoint: "127.0.0.1:{http}"}}
      grpc: {{endpoint: "127.0.0.1:{grpc}"}}
  otlp/tls:
    protocols:
      http: {{endpoint: "127.0.0.1:{https}", tls: &tls {tls}}}
      grpc: {{endpoint: "127.0.0.1:{grpcs}", tls: *tls}}
exporters:
  file: {{path: "{file}", flush_interval: 50ms}}
extensions:
  health_check: {{endpoint: "127.0.0.1:{health}"}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp, otlp/tls], exporters: [file]}}
    metrics: {{receivers: [otlp, otlp/tls], exporters: [file]}}
    logs: {{receivers: [otlp, otlp/tls], exporters: [file]}}
"""


class Collector:
    """A Collector that takes OTLP in four ways and writes it to one file."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self._file = folder / "received.json"
        certificate, key = self.authority.issue("collector")
        tls = {
            "cert_file": certificate,
            "key_file": key,
            "client_ca_file": self.authority.file,
        }
        self.ports = {name: free_port() for name in ("http", "grpc", "https", "grpcs", "health")}
        configuration = folder / "collector.yaml"
        configuration.write_text(
            _CONFIGURATION.format(**self.ports, tls=json.dumps(tls), file=self._file)
        )
        with (folder / "collector.log").open("wb") as log:
            self._process = subprocess.Popen(
                [binary(COLLECTOR), "--config", configuration], stdout=log, stderr=log
            )
        until(lambda: is_answering(f"http://127.0.0.1:{self.ports['health']}/"), 60)

    def received(self, *path):
        """Return all that lies on *path* in what was written."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        found = [json.loads(line) for line in lines if line.endswith("}")]
        for name in path:
            found = [inner for outer in found for inner in outer.get(name, ())]
        return found

    def stop(self):
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    if not is_built(COLLECTOR):
        message = "not built: otelcol; `make backends` builds it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    running = Collector(tmp_path_factory.mktemp("collector"))
    yield running
    running.stop()


def options(collector, way, compression):
    """Return the base URL and the OTLP settings of *way*."""
    otlp = {"compression": compression}
    if way.startswith("grpc"):
        otlp["protocol"] = "grpc"
    if way.endswith("s"):
        certificate, key = collector.authority.issue("client")
        otlp |= {
            "certificate": collector.authority.file,
            "client_certificate": certificate,
            "client_key": key,
        }
    scheme = "https" if way.endswith("s") else "http"
    return f"{scheme}://127.0.0.1:{collector.ports[way]}", otlp


@pytest.mark.parametrize(
    ("way", "compression"),
    [
        ("http", "none"),
        ("http", "gzip"),
        ("http", "zstd"),
        ("https", "none"),
        ("grpc", "gzip"),
        ("grpcs", "none"),
    ],
)
def test_every_way_in(collector, build, way, compression):
    """A Collector takes three signals over HTTP and gRPC, compressed, and by mutual TLS."""
    base, otlp = options(collector, way, compression)
    flow = build(base, delay=60, exact=way.startswith("grpc"), otlp=otlp)
    name = f"{way} {compression}"
    for _ in range(50):
        flow.span(name)
        flow.log(name)
    flow.meter.create_counter(name.replace(" ", ".")).add(7)

    assert flow.pipeline.force_flush(30)

    def arrived():
        spans = collector.received("resourceSpans", "scopeSpans", "spans")
        logs = collector.received("resourceLogs", "scopeLogs", "logRecords")
        metrics = collector.received("resourceMetrics", "scopeMetrics", "metrics")
        return (
            sum(s["name"] == name for s in spans),
            sum(r["body"].get("stringValue") == name for r in logs),
            sum(m["name"] == name.replace(" ", ".") for m in metrics),
        ) == (50, 50, 1)

    until(arrived, 30)


@pytest.mark.parametrize("way", ["https", "grpcs"])
def test_certificates_are_read_again(collector, build, tmp_path, way):
    """A trusted certificate that was replaced is used for the next request, without a restart."""
    base, otlp = options(collector, way, "none")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(Path(otlp["certificate"]).read_text())
    otlp["certificate"] = str(trusted)
    only = {"metrics_exporters": (), "logs_exporters": ()}
    flow = build(base, delay=60, exact=way == "grpcs", otlp=otlp, **only)
    flow.span("trusted")
    assert flow.pipeline.force_flush(30)

    trusted.write_text(Path(Authority(tmp_path, "other").file).read_text())
    os.utime(trusted, (1, 1))
    flow.span("untrusted")
    assert not flow.pipeline.force_flush(2)

    trusted.write_text(Path(collector.authority.file).read_text())
    assert flow.pipeline.force_flush(30)


def test_whatever_is_recorded_is_taken(collector, build):
    """A Collector takes every value of the corpus, as an attribute and as a body."""
    base, otlp = options(collector, "http", "none")
    flow = build(base, delay=60, otlp=otlp, metrics_exporters=())
    lines = kept("values.txt")
    for line in lines:
        value = eval(line, vars(strategies))
        span = flow.tracer.start_span("corpus")
        span._attributes._dict["value"] = value
        span.end()
        flow.logger.emit(LogRecord(body=value, event_name="corpus"))

    assert flow.pipeline.force_flush(60)
    assert flow.numbers("traces").delivered == flow.numbers("logs").delivered == len(lines)

    def arrived():
        spans = collector.received("resourceSpans", "scopeSpans", "spans")
        logs = collector.received("resourceLogs", "scopeLogs", "logRecords")
        found = [sum(s["name"] == "corpus" for s in spans)]
        found.append(sum(r.get("eventName") == "corpus" for r in logs))
        return found == [len(lines)] * 2

    until(arrived, 30)
