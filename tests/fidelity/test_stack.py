"""The main cells once more, counted in Jaeger, Prometheus and Loki."""

import json
import urllib.parse
import urllib.request

import pytest

from tests.fidelity import evidence
from tests.fidelity.models import SERVERS, WORKERS
from tests.fidelity.scenarios import SCENARIOS, Cell
from tests.stack.query import jaeger_service_spans, loki_lines, poll_until


SECONDS = 60
MODELS = {model.name: model for model in (*SERVERS, *WORKERS)}

pytestmark = [pytest.mark.fidelity, pytest.mark.stack]


class Receiving:
    """The Collector of the stack, which stays as it is."""

    def __init__(self, stack):
        self.endpoint = stack.otlp_http


@pytest.fixture
def cell(request, stack, tmp_path):
    """Run a cell to its end."""
    made = []

    def run(name, scenario):
        model = MODELS[name]
        broker = request.getfixturevalue("redis_url") if model in WORKERS else ""
        made.append(Cell(model=model, folder=tmp_path, collector=Receiving(stack), broker=broker))
        SCENARIOS[scenario](made[0])
        return made[0]

    yield run
    for each in made:
        if each.service is not None:
            each.service.kill()


def samples(prometheus, selector):
    """The raw samples of the last hour, a list of values a series."""
    query = urllib.parse.urlencode({"query": f"{selector}[1h]"})
    with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=10) as answer:
        series = json.load(answer)["data"]["result"]
    return [[int(value) for _, value in each["values"]] for each in series]


def increase(prometheus, selector):
    return sum(evidence.increase(values) for values in samples(prometheus, selector))


@pytest.mark.parametrize(
    ("name", "scenario"),
    [
        pytest.param("uvicorn --workers 4", "recycle", marks=pytest.mark.essential),
        ("uvicorn", "SIGTERM"),
        ("gunicorn UvicornWorker --preload", "recycle"),
        pytest.param("celery prefork", "recycle", marks=pytest.mark.essential),
    ],
)
def test_the_backends_count_the_same(name, scenario, cell, stack):
    """What a service did is as many spans in Jaeger, counts in Prometheus and lines in Loki."""
    service = cell(name, scenario).service
    done = evidence.ledger(service.ledger)

    def spans():
        found = jaeger_service_spans(stack.jaeger, service.name)
        units = sorted(int(span.attributes["unit"]) for span in found if span.name == "unit")
        return units if len(units) >= len(done) else None

    def lines():
        found = loki_lines(stack.loki, f'{{service_name="{service.name}"}} |= "unit.done"')
        return sorted(int(labels["unit"]) for labels, _ in found) if len(found) >= len(done) else []

    def counts():
        count = increase(stack.prometheus, f'units_seconds_count{{service_name="{service.name}"}}')
        return count if count >= len(done) else None

    assert poll_until(spans, SECONDS, "the spans in Jaeger") == done
    assert poll_until(lines, SECONDS, "the lines in Loki") == done
    assert poll_until(counts, SECONDS, "the counts in Prometheus") == len(done)
