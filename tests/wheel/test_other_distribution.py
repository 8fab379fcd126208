"""With `opentelemetry-distro` installed beside: ours or theirs, never half of each."""

import pytest

from tests.wheel.test_wheel import PROGRAM


BOTH = "set OTEL_PYTHON_DISTRO=otel_flow and OTEL_PYTHON_CONFIGURATOR=otel_flow"
NOTHING = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
SHOW = """
from opentelemetry import trace
print(type(trace.get_tracer_provider()).__module__.partition(".")[0])
"""


@pytest.fixture
def wrapped(empty_environment, other_distribution, receiver):
    """Run a program under the wrapper; the other distribution is found before ours."""

    def run(program, **environ):
        return empty_environment.run(
            "opentelemetry-instrument",
            *(empty_environment.script("python"), "-c", program),
            **{
                "PYTHONPATH": str(other_distribution),
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
                "OTEL_FLOW_LOG_FORMAT": "json",
                **environ,
            },
        )

    return run


def ours(stderr):
    """What we said; upstream has a line of its own about configurators that were passed over."""
    return [line for line in stderr.splitlines() if line.startswith("otel-flow:")]


def test_both_variables_select_ours_without_a_word(wrapped, receiver):
    """With both variables set ours works in full and says nothing."""
    done = wrapped(PROGRAM, OTEL_PYTHON_DISTRO="otel_flow", OTEL_PYTHON_CONFIGURATOR="otel_flow")

    assert (done.returncode, ours(done.stderr)) == (0, [])
    assert [span.name for span in receiver.spans()] == ["work"]


def test_without_a_choice_one_line_names_both_variables(wrapped, receiver):
    """Chance picked the other one: one line says so, and nothing of ours was configured."""
    done = wrapped(SHOW, **NOTHING)

    (line,) = ours(done.stderr)
    assert (done.returncode, BOTH in line, "opentelemetry-distro" in line) == (0, True, True)
    assert receiver.requests == []


@pytest.mark.parametrize(
    "choice",
    [
        {"OTEL_PYTHON_DISTRO": "otel_flow", "OTEL_PYTHON_CONFIGURATOR": "configurator"},
        {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "otel_flow"},
        {"OTEL_PYTHON_CONFIGURATOR": "otel_flow"},
    ],
    ids=["their configurator", "their distro", "their distro by chance"],
)
def test_half_a_choice_configures_nothing_of_ours(wrapped, receiver, choice):
    """One of the two variables wrong or missing: one line names both, the app runs."""
    done = wrapped(PROGRAM, **NOTHING, **choice)

    (line,) = ours(done.stderr)
    assert (done.returncode, BOTH in line) == (0, True)
    assert receiver.requests == []


def test_half_a_choice_that_suffices_is_completed(wrapped, receiver):
    """Our distro alone selected: ours works in full, and one line names the other variable."""
    done = wrapped(PROGRAM, OTEL_PYTHON_DISTRO="otel_flow")

    (line,) = ours(done.stderr)
    assert (done.returncode, BOTH in line) == (0, True)
    assert [span.name for span in receiver.spans()] == ["work"]


def test_what_chance_picked_works_in_full(wrapped, empty_environment, other_distribution, receiver):
    """Chance picked ours: everything arrives, and one line says how to make sure of it."""
    (own,) = empty_environment.folder.glob("lib/python*/site-packages")

    done = wrapped(PROGRAM, PYTHONPATH=f"{own}:{other_distribution}")

    (line,) = ours(done.stderr)
    assert (done.returncode, BOTH in line, "chance" in line) == (0, True, True)
    assert [span.name for span in receiver.spans()] == ["work"]


def test_children_inherit_what_the_user_set(wrapped):
    """What was set for the wrapper's sake is gone when the application runs."""
    show = "import os; print(sorted(n for n in os.environ if n.startswith('OTEL_PYTHON_')))"

    done = wrapped(show, OTEL_PYTHON_DISTRO="otel_flow")

    assert "['OTEL_PYTHON_DISTRO']" in done.stdout


def test_their_choice_stays_theirs(wrapped):
    """With both variables naming the other distribution, otel-flow keeps out and says nothing."""
    done = wrapped(
        SHOW,
        OTEL_PYTHON_DISTRO="distro",
        OTEL_PYTHON_CONFIGURATOR="configurator",
        **NOTHING,
    )

    assert (done.stdout, ours(done.stderr)) == ("opentelemetry\n", [])
