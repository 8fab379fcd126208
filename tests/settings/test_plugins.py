import sys

import pytest

from otel_flow.errors import ConfigError
from otel_flow.settings import Settings
from tests.distributions import install


ENTRY_POINTS = """
[opentelemetry_traces_exporter]
Parcel = nowhere:Exporter
zipkin = nowhere:Exporter

[opentelemetry_metrics_exporter]
parcel_metrics = nowhere:Exporter

[opentelemetry_traces_sampler]
dice = nowhere:Sampler
xray = nowhere:Sampler

[opentelemetry_propagator]
smoke = nowhere:Propagator
jaeger = nowhere:Propagator

[opentelemetry_id_generator]
counting = nowhere:Generator

[opentelemetry_resource_detector]
abacus = nowhere:Detector
"""


@pytest.fixture(autouse=True)
def plugins(tmp_path, monkeypatch):
    """Install a distribution with a plugin of every sort, whose code is never imported."""
    install(tmp_path, "plugins", entry_points=ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    assert "nowhere" not in sys.modules


@pytest.mark.parametrize(
    ("variable", "text", "field", "expected"),
    [
        ("OTEL_TRACES_EXPORTER", "OTLP,Parcel", "traces_exporters", ("otlp", "Parcel")),
        ("OTEL_METRICS_EXPORTER", "parcel_metrics", "metrics_exporters", ("parcel_metrics",)),
        ("OTEL_TRACES_SAMPLER", "dice", "sampler", "dice"),
        ("OTEL_TRACES_SAMPLER", "xray", "sampler", "xray"),
        ("OTEL_PROPAGATORS", "baggage,smoke", "propagators", ("baggage", "smoke")),
        ("OTEL_PROPAGATORS", "Jaeger", "propagators", ("jaeger",)),
        ("OTEL_PYTHON_ID_GENERATOR", "counting", "id_generator", "counting"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "abacus,*", "resource_detectors", ("abacus", "*")),
    ],
)
def test_installed_plugin(variable, text, field, expected):
    """A plugin is taken by the name of its entry point."""
    assert getattr(Settings.from_environ({variable: text}), field) == expected


def test_sampler_plugin_takes_any_argument():
    """The argument of a sampler that is a plugin is the plugin's business."""
    settings = Settings.from_environ(
        {"OTEL_TRACES_SAMPLER": "dice", "OTEL_TRACES_SAMPLER_ARG": "sides=6"}
    )

    assert settings.sampler_argument == "sides=6"
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("variable", "known"),
    [
        ("OTEL_TRACES_EXPORTER", "one of otlp, console, none, Parcel, otlp_proto_grpc"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio, dice, xray"),
        ("OTEL_PROPAGATORS", "smoke"),
        ("OTEL_PYTHON_ID_GENERATOR", "one of random, counting"),
    ],
)
def test_unknown_name_lists_the_known_ones(variable, known):
    """The message about an unknown name lists built-in names and installed plugins."""
    with pytest.raises(ConfigError, match=known):
        Settings.from_environ({variable: "unheard_of"})


@pytest.mark.parametrize("name", ["jaeger_remote", "parentbased_jaeger_remote"])
def test_remote_sampler_without_plugin(name):
    """A sampler of the specification that needs a plugin says so."""
    with pytest.raises(ConfigError, match=f"no plugin for {name} is installed"):
        Settings.from_environ({"OTEL_TRACES_SAMPLER": name})


def test_refused_exporter_stays_refused():
    """An exporter that is refused with a reason is not let in by a plugin of that name."""
    with pytest.raises(ConfigError, match="Zipkin exporter is not supported"):
        Settings.from_environ({"OTEL_TRACES_EXPORTER": "zipkin"})
