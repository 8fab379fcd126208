"""redis-py's own metrics beside ours, in an application that has switched them on."""

import json
import subprocess
import sys

import pytest

from tests.stack.build import ROOT


APPLICATION = """
import json, sys
import redis, redis.asyncio
import asyncio
from opentelemetry import metrics
from redis.observability import OTelConfig, MetricGroup, get_observability_instance
from otel_flow.instrumentation import redis as ours
from tests.recording import Recording

order, url = sys.argv[1:]
recording = Recording()
metrics.set_meter_provider(recording.telemetry.meter_provider)

def use():
    client = redis.Redis.from_url(url)
    client.get("a")
    try:
        client.lpush("a" if client.set("a", 1) else "", 1)
    except redis.ResponseError:
        pass
    client.close()
    async def main():
        client = redis.asyncio.Redis.from_url(url)
        await client.get("a")
        await client.aclose()
    asyncio.run(main())

def native():
    groups = [MetricGroup.COMMAND, MetricGroup.CONNECTION_BASIC, MetricGroup.RESILIENCY]
    get_observability_instance().init(OTelConfig(metric_groups=groups))

if order == "before":
    native()
    use()
undo = ours.instrument(telemetry=recording.telemetry)
if order == "after":
    native()
use()

found = {}
for resource in recording._reader.get_metrics_data().resource_metrics:
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            points = list(metric.data.data_points)
            found.setdefault(metric.name, {})[scope.scope.name] = sum(
                getattr(point, "count", getattr(point, "value", 0)) for point in points
            )
print(json.dumps(found))
undo()
recording.close()
"""


def run(order, url):
    command = [sys.executable, "-c", APPLICATION, order, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


@pytest.mark.parametrize("order", ["before", "after"])
def test_nothing_is_recorded_twice(order, redis_url):
    """Durations and connections come from us alone, errors of the client from redis-py as before."""
    found, said = run(order, redis_url)

    durations = found["db.client.operation.duration"]
    native = durations.pop("redis-py", 0)
    # redis-py leaves out those that failed.
    assert native == (3 if order == "before" else 0)
    assert durations == {"otel_flow.redis": 4}
    assert found["redis.client.errors"]["redis-py"] == (2 if order == "before" else 1)
    assert "redis-py's own durations and connections are left out" in said
