"""Configurations merged, filled in and masked as a Collector does it."""

import subprocess

import pytest
import yaml

from otel_flow.collector_config import base_file, effective, load, masked
from tests.stack.build import COLLECTOR, binary


def test_later_documents_win_and_maps_merge():
    """Maps merge key by key, lists and scalars of the later document replace the earlier."""
    below = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}}
    above = {"a": {"c": [3], "f": 2}, "d": None}

    document, missing = effective([below, above], {})

    assert document == {"a": {"b": 1, "c": [3], "f": 2}, "d": None}
    assert missing == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env:SET}", 17),
        ("${SET}", 17),
        ("a${env:SET}b", "a17b"),
        ("${env:UNSET:-4317}", 4317),
        ("${env:UNSET:-127.0.0.1:4317}", "127.0.0.1:4317"),
        ("${env:EMPTY:-x}", "x"),
        ("${env:UNSET}", None),
        ("$$__interval", "$__interval"),
        ("$${env:SET}", "${env:SET}"),
        ("${file:/etc/secret}", "${file:/etc/secret}"),
    ],
)
def test_variables(text, expected):
    """A variable takes its value or default, typed if it stands alone; $$ is a dollar sign."""
    document, _ = effective([{"key": [text]}], {"SET": "17", "EMPTY": ""})

    assert document == {"key": [expected]}


def test_variables_without_a_value_are_named():
    """What is neither set nor has a default is told once."""
    _, missing = effective([{"a": "${env:TWO}", "b": "${env:ONE}${env:TWO}"}], {})

    assert missing == ["ONE", "TWO"]


def test_secrets_are_masked():
    """Secrets by key, every header and credentials in URLs do not show."""
    document = {
        "exporters": {
            "otlp_http": {
                "endpoint": "https://user:secret@otlp.example/v1?token=secret",
                "headers": {"X-Anything": "secret"},
                "auth": {"password": "secret", "username": "me"},
            }
        }
    }

    assert masked(document) == {
        "exporters": {
            "otlp_http": {
                "endpoint": "https://***@otlp.example/v1?***",
                "headers": {"X-Anything": "***"},
                "auth": {"password": "***", "username": "me"},
            }
        }
    }


@pytest.mark.parametrize("text", ["- a list", "a: [", ""])
def test_what_is_no_configuration_is_refused_by_name(text, tmp_path):
    """A file that holds no map of sections is an error that names the file."""
    path = tmp_path / "wrong.yaml"
    path.write_text(text)

    with pytest.raises(ValueError, match=r"wrong\.yaml"):
        load(path)


@pytest.mark.stack
def test_the_result_is_the_collectors_own(backends, monkeypatch):
    """Our effective configuration is what the Collector itself says it runs with."""
    environ = {"LOKI_ENDPOINT": "http://loki:3100", "TELEMETRY_PORT": "8889"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [binary(COLLECTOR), "print-config", f"--config={base_file()}", "--mode=unredacted"],
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = yaml.safe_load(done.stdout)

    ours, _ = effective([load(base_file())], environ)

    assert differences(ours, theirs) == []


PRINTED_OTHERWISE = {
    *("check_interval", "metrics_flush_interval", "max_elapsed_time", "flush_timeout", "buckets"),
    *("sizer", "readers", "attributes"),
}
"""Durations, and types that the Collector prints as empty or with its defaults inside."""


def differences(ours, theirs, path=""):
    """Where *ours* says something else; the Collector's has defaults in addition."""
    if isinstance(ours, dict):
        return [
            found
            for key, value in ours.items()
            if key not in PRINTED_OTHERWISE
            for found in differences(value, (theirs or {}).get(key), f"{path}.{key}")
        ]
    return [] if str(ours).lower() == str(theirs).lower() else [(path, ours, theirs)]
