"""What the doctor sees without leaving the machine."""

import json
import subprocess
import sys

import pytest

from otel_flow.cli import main
from otel_flow.doctor.finding import Finding
from tests.distributions import install


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def look(examine, **environ):
    return examine("--no-probe", **environ)


def test_versions_are_told(examine):
    """Python, the SDK and otel-flow are named, and fit each other."""
    found = look(examine)

    assert found.one("versions.python")["level"] in {"ok", "note"}
    assert "opentelemetry-sdk 1." in found.one("versions.opentelemetry")["message"]
    assert found.found("versions.requirement") == found.found("versions.train") == []


def test_a_requirement_that_is_not_met(examine, site):
    """A package of OpenTelemetry that wants another version of a second one is a problem."""
    install(site, "opentelemetry-instrumentation-crates", version="0.66b1")
    metadata = site / "opentelemetry_instrumentation_crates-0.66b1.dist-info" / "METADATA"
    metadata.write_text(f"{metadata.read_text()}Requires-Dist: opentelemetry-api == 1.2.*\n")

    found = look(examine)

    finding = found.one("versions.requirement")
    assert "requires opentelemetry-api==1.2.*, 1." in finding["message"]
    assert finding["advice"].endswith('"opentelemetry-api==1.2.*"')
    assert found.code == 1


def test_another_release_train(examine, site):
    """A package of contrib from another release than the SDK's is a warning with the right one."""
    install(site, "opentelemetry-instrumentation-crates", version="0.44b0")

    finding = look(examine).one("versions.train")

    assert "0.44b0 is of another release" in finding["message"]
    assert 'pip install "opentelemetry-instrumentation-crates==0.' in finding["advice"]


def test_another_agent(examine, site):
    """An agent that instruments the same libraries is a warning."""
    install(site, "ddtrace", version="4.0.0")

    assert "ddtrace 4.0.0 is installed" in look(examine).one("versions.agent")["message"]


OTHER = {
    "entry_points": """\
        [opentelemetry_distro]
        other = other:Distro
        [opentelemetry_configurator]
        other = other:Configurator
        """
}


def test_other_distributions(examine, site):
    """Another distro beside ours is a warning until both variables select ours."""
    install(site, "other-distro", **OTHER)

    assert "other-distro can be picked" in look(examine).one("distribution.others")["message"]
    found = look(examine, OTEL_PYTHON_DISTRO="otel_flow", OTEL_PYTHON_CONFIGURATOR="otel_flow")
    assert found.one("distribution.selected")["level"] == "ok"


def test_another_distribution_is_selected(examine):
    """A variable that selects another distro is a problem."""
    finding = look(examine, OTEL_PYTHON_DISTRO="other").one("distribution.selected")

    assert finding["level"] == "problem"
    assert finding["message"].startswith("OTEL_PYTHON_DISTRO=other")


def test_wrong_settings(examine):
    """All problems of the settings are told, nothing is sent, and the exit code is 2."""
    found = examine(OTEL_TRACES_SAMPLER="dice", OTEL_EXPORTER_OTLP_TIMEOUT="-5")

    names = {finding["subject"] for finding in found.found("settings.problem")}
    assert names == {"OTEL_TRACES_SAMPLER", "OTEL_EXPORTER_OTLP_TIMEOUT"}
    assert all(each["advice"].startswith("set it to ") for each in found.found("settings.problem"))
    assert found.document["settings"] == []
    assert found.code == 2


def test_secrets_are_masked(examine):
    """Neither findings nor settings show what is secret."""
    found = look(
        examine,
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20geheim",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:geheim@127.0.0.1:9",
        OTEL_FLOW_REDACTION_HASH_KEY="geheim",
    )

    assert "geheim" not in found.text
    rows = {row["setting"]: row for row in found.document["settings"]}
    assert rows["otlp_traces.headers"]["source"] == "OTEL_EXPORTER_OTLP_HEADERS"


def test_nothing_is_recorded(examine):
    """Telemetry that is switched off is a problem, and nothing is sent."""
    found = examine(OTEL_SDK_DISABLED="true")

    assert found.one("settings.disabled")["advice"] == "unset OTEL_SDK_DISABLED"
    assert found.found("endpoint.dns") == []


@pytest.mark.parametrize(
    ("environ", "check", "message"),
    [
        (
            {"OTEL_TRACES_SAMPLER": "always_off"},
            "signals.sampler",
            "the sampler always_off keeps no trace",
        ),
        (
            {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"},
            "signals.sampler",
            "keeps 0.25 of the traces",
        ),
        (
            {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"},
            "signals.temporality",
            "deltas, which Prometheus itself refuses",
        ),
        ({"OTEL_PROPAGATORS": "none"}, "signals.propagators", "no trace context is read"),
        ({"OTEL_PROPAGATORS": "b3"}, "signals.propagators", "travels as b3 only"),
        ({"OTEL_FLOW_LOG_LEVEL": "ERROR"}, "signals.log_level", "events below ERROR are dropped"),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=a", "OTEL_SERVICE_NAME": "b"},
            "service.overridden",
            "OTEL_SERVICE_NAME=b wins over service.name=a",
        ),
        (
            {"OTEL_LOGS_EXPORTER": "console"},
            "signals.exporter",
            "log records are printed, not sent",
        ),
    ],
)
def test_what_keeps_telemetry_away(environ, check, message, examine):
    """Settings that are valid and rarely wanted are told, with what undoes them."""
    found = [each for each in look(examine, **environ).found(check) if each["level"] != "ok"]

    (finding,) = found
    assert message in finding["message"]
    assert finding["advice"]


def test_libraries(examine):
    """Each installed library is told with what instruments it, by us or by contrib."""
    found = look(examine)

    assert found.one("libraries.instrumented", "fastapi")["message"].endswith("by otel-flow")
    message = found.one("libraries.instrumented", "django")["message"]
    assert "by opentelemetry-instrumentation-django" in message


def test_libraries_that_nobody_instruments(examine, site):
    """A library for which contrib has a package that is missing is told with the command."""
    install(site, "pymongo", version="4.6.0")

    finding = look(examine).one("libraries.uninstrumented", "pymongo")

    assert 'pip install "opentelemetry-instrumentation-pymongo==' in finding["advice"]


def test_contrib_that_does_not_fit(examine, site):
    """An instrumentor of contrib that refuses the installed version is a problem."""
    entry_points = "[opentelemetry_instrumentor]\nmongo = mongo:Instrumentor\n"
    install(site, "opentelemetry-instrumentation-mongo", version="2.0", entry_points=entry_points)
    metadata = site / "opentelemetry_instrumentation_mongo-2.0.dist-info" / "METADATA"
    extra = 'Requires-Dist: structlog < 1 ; extra == "instruments"\nProvides-Extra: instruments\n'
    metadata.write_text(metadata.read_text() + extra)

    finding = look(examine).one("libraries.conflict", "mongo")

    assert "structlog" in finding["message"]


def test_json_is_stable(examine):
    """The document has the fields that programs read."""
    document = look(examine).document

    assert list(document) == ["format", "problems", "warnings", "findings", "settings"]
    assert document["format"] == 1
    fields = set(Finding.__dataclass_fields__)
    assert all(set(finding) == fields for finding in document["findings"])
    assert all(each["advice"] for each in document["findings"] if each["level"] != "ok")


def test_text(capsys, monkeypatch):
    """In a pipe every finding is a line and every advice another, without colours."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")

    main(["doctor", "--no-probe"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "versions"
    assert "  ok       shop, from OTEL_SERVICE_NAME" in lines
    assert "  service_name = shop, from OTEL_SERVICE_NAME" in lines
    assert lines[-1].endswith(("warning", "warnings"))
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("seconds", ["0", "abc", "1e9", "nan"])
def test_a_time_that_cannot_be(seconds, capsys):
    """A time limit that makes no sense is refused with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--timeout", seconds])

    assert ended.value.code == 2
    assert "is no number from 0.1 to 600" in capsys.readouterr().err


def test_help_has_examples(capsys):
    """--help shows what to type and what the exit codes mean."""
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])

    shown = capsys.readouterr().out
    assert "otel-flow doctor --no-probe" in shown
    assert "Exits with 0" in shown


def test_nothing_leaks_from_a_process_of_its_own():
    """The command alone writes JSON on stdout and nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "otel_flow", "doctor", "--no-probe", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert json.loads(done.stdout)["format"] == 1
    assert done.stderr == ""
