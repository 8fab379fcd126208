"""The files of collector/, checked by the programs that read them."""

import json
import subprocess

import pytest
import yaml

from tests.stack.build import COLLECTOR, LOKI, PROMETHEUS, ROOT, binary
from tests.stack.query import poll_until, prometheus_samples, prometheus_targets


CONFIGURATION = ROOT / "collector"
YAML_FILES = sorted(
    str(path.relative_to(ROOT)) for path in CONFIGURATION.rglob("*.y*ml") if path.is_file()
)


def check(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*YAML_FILES, "docker-compose.yml"])
def test_yaml_files_are_well_formed_and_say_what_they_are_for(path):
    """Every file parses and begins with a comment."""
    text = (ROOT / path).read_text()

    assert yaml.safe_load(text)
    assert text.startswith("#") or path == "collector/builder.yaml"


@pytest.mark.stack
def test_the_collector_accepts_its_configuration_without_a_word(backends):
    """`validate` finds nothing, deprecated names included."""
    assert check(
        binary(COLLECTOR), "validate", f"--config={CONFIGURATION / 'otelcol' / 'base.yaml'}"
    ) == (0, "")


@pytest.mark.stack
def test_prometheus_accepts_its_configuration(backends):
    """promtool finds nothing wrong, and the scrape targets are valid."""
    code, output = check(
        binary(PROMETHEUS, "promtool"),
        "check",
        "config",
        CONFIGURATION / "prometheus/prometheus.yml",
    )

    assert (code, "WARNING" in output) == (0, False), output


@pytest.mark.stack
def test_loki_accepts_its_configuration(backends):
    """Loki's own check finds nothing wrong."""
    code, output = check(
        binary(LOKI),
        f"-config.file={CONFIGURATION / 'loki' / 'loki.yaml'}",
        "-config.expand-env=true",
        "-verify-config",
    )

    assert code == 0, output


@pytest.mark.stack
@pytest.mark.parametrize("name", ["otelcol", "prometheus", "loki", "jaeger"])
def test_servers_start_without_a_warning(name, stack):
    """No server complains about the configuration it got from us."""
    complaints = [
        line
        for line in stack.log(name).splitlines()
        if is_complaint(line) and not any(known in line for known in KNOWN)
    ]

    assert complaints == []


KNOWN = (
    "ui assets not embedded in the binary",  # built from the Go module
    'caller=ratestore.go:110 msg="error getting ingester clients" err="empty ring"',  # asked early
)


def is_complaint(line):
    if line.startswith("{"):
        return json.loads(line).get("level") in {"warn", "error", "fatal"}
    return any(
        mark in line for mark in ("level=WARN", "level=warn", "level=ERR", "\twarn\t", "\terror\t")
    )


@pytest.mark.stack
def test_every_backend_is_scraped(stack):
    """Prometheus has all four servers as targets, and each answers."""
    expected = dict.fromkeys(stack.names, "up")

    assert poll_until(
        lambda: prometheus_targets(stack.prometheus) == expected, 60, "four targets that are up"
    )


@pytest.mark.stack
def test_the_collector_tells_about_itself_under_fixed_names(stack):
    """What alerts and dashboards ask the Collector for has the names they use."""
    names = (
        "otelcol_exporter_queue_size",
        "otelcol_exporter_queue_capacity",
        "otelcol_process_uptime_seconds_total",
        "otelcol_process_memory_rss_bytes",
    )

    for name in names:
        assert poll_until(
            lambda name=name: prometheus_samples(stack.prometheus, f'{name}{{job="otelcol"}}'),
            60,
            name,
        )
