"""A real Prometheus, fed the same metrics by OTLP and by scraping, has the same series twice."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests.stack.build import PROMETHEUS, ROOT, binary, build
from tests.stack.launch import free_port
from tests.stack.query import is_answering, poll_until, prometheus_samples


SERVICE = """
import sys
import otel_flow
from opentelemetry import metrics
handle = otel_flow.configure(service_name="shop", environment="test", log_format="json")
meter, other = metrics.get_meter("m"), metrics.get_meter("n")
UNITS = ["", "1", "s", "ms", "By", "{request}", "By/s", "%", "{item}/s", "1/s", "furlong", "m/h"]
NAMES = ["app.work", "app.work.total", "app.seconds", "app..odd--name", "app.ratio"]
for number, unit in enumerate(UNITS):
    for name in NAMES:
        key = f"{name}.{number}"
        labels = {"http.route": "/a", "a.b": "x", "a_b": "y", "2nd": True, "list": [1, 2], "n": 1.5}
        meter.create_counter(f"{key}.c", unit=unit).add(2, labels)
        meter.create_up_down_counter(f"{key}.u", unit=unit).add(-1, labels)
        meter.create_gauge(f"{key}.g", unit=unit).set(4, {"whole": 2.0})
        meter.create_histogram(f"{key}.h", unit=unit).record(0.3, {"__x__": "y"})
other.create_counter("app.of.other").add(1, {"k": "v"})
print("ready", flush=True)
for line in sys.stdin:
    pass
"""

_OF_THE_WAY = {
    "job",
    "instance",
    "service_name",
    "service_instance_id",
    "le",
    "deployment_environment_name",
    "service_namespace",
    "service_version",
}


@pytest.fixture
def prometheus(tmp_path):
    """A Prometheus with our configuration that also scrapes the service's port."""
    build(PROMETHEUS)
    port, scraped = free_port(), free_port()
    ours = (ROOT / "collector" / "prometheus" / "prometheus.yml").read_text()
    config, targets = tmp_path / "prometheus.yml", tmp_path / "targets" / "pull.yml"
    config.write_text(ours.replace("scrape_interval: 15s", "scrape_interval: 1s"))
    targets.parent.mkdir()
    targets.write_text(f"- targets: ['127.0.0.1:{scraped}']\n  labels: {{job: pull}}\n")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(binary(PROMETHEUS)),
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-otlp-receiver",
                "--enable-feature=exemplar-storage",
            ],
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        poll_until(lambda: is_answering(f"{address}/-/ready"), 30, "Prometheus")
        yield address, scraped
    finally:
        process.terminate()
        process.wait(20)


def series(prometheus, job):
    """The series of *job*: name and labels, and their values."""
    return {
        (sample["metric"]["__name__"], _labels(sample["metric"])): float(sample["value"][1])
        for sample in prometheus_samples(prometheus, f'{{job="{job}"}}')
        if not sample["metric"]["__name__"].startswith(("scrape_", "up", "otel_"))
    }


def _labels(metric):
    kept = {k: v for k, v in metric.items() if k not in {*_OF_THE_WAY, "__name__"}}
    if "le" in metric:
        kept["le"] = str(float(metric["le"]))
    return frozenset(kept.items())


@pytest.mark.stack
def test_same_series_by_push_and_pull(prometheus, tmp_path):
    """Names, labels and values are the same whether Prometheus is sent metrics or scrapes them."""
    address, port = prometheus
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    program = pathlib.Path(tmp_path, "service.py")
    program.write_text(SERVICE)
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **clean,
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "otlp,prometheus",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{address}/api/v1/otlp/v1/metrics",
            "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        },
    ) as service:
        try:
            assert service.stdout.readline() == "ready\n"
            poll_until(lambda: len(series(address, "shop")) > 1000, 30, "series by push")
            poll_until(lambda: len(series(address, "pull")) > 1000, 30, "series by pull")
            pushed, pulled = series(address, "shop"), series(address, "pull")
        finally:
            service.stdin.close()
            service.wait(20)

    target_info = {key for key in pulled | pushed if key[0] == "target_info"}
    assert target_info & pulled.keys()
    assert {k: v for k, v in pulled.items() if k not in target_info} == {
        k: v for k, v in pushed.items() if k not in target_info
    }
