"""Load, while what it is sent to comes and goes."""

import json
import random
import time

import pytest

from tests.fidelity import evidence
from tests.fidelity.service import APPS, Program, until


QUEUE = 12 * 1024 * 1024


@pytest.mark.parametrize(
    ("seconds", "rate", "away"),
    [(60, 300, 6), pytest.param(600, 100, 40, marks=pytest.mark.chaos)],
    ids=["a minute", "ten minutes"],
)
def test_outages_cost_what_is_said_and_no_more(seconds, rate, away, collector, tmp_path):
    """With a Collector that comes and goes, produced = delivered + dropped, in bounded memory."""
    dice = random.Random(seconds)
    storm = Program(
        f"python {APPS}/script.py storm {rate}",
        tmp_path,
        collector.detour(),
        wrapped=False,
        OTEL_FLOW_QUEUE_BYTES=str(QUEUE),
        OTEL_BSP_SCHEDULE_DELAY="200",
        OTEL_BLRP_SCHEDULE_DELAY="200",
    )
    try:
        until(lambda: "storm" in storm.stdout, "a storm", storm.process)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            collector.interrupt(dice, away)
        collector.start()
        storm.process.stdin.write(b"\n")
        storm.process.stdin.flush()
        status = storm.wait()
    finally:
        storm.kill()
    assert status == 0, storm.stderr[-2000:]
    said = json.loads(storm.stderr.splitlines()[-1])
    print(said)
    arrived = evidence.read(collector.requests())
    collector.forget()
    spans = sum(span["name"] == "storm" for span in arrived.spans.values())
    records = sum(evidence.is_of(record, "storm") for record in arrived.records)

    for numbers in said["accounting"].values():
        assert numbers["waiting"] == 0
        assert numbers["produced"] == numbers["delivered"] + sum(numbers["dropped"].values())
    traces, logs = said["accounting"]["traces"], said["accounting"]["logs"]
    # A second copy is possible where a connection died with an answer on its way; it was counted.
    assert traces["delivered"] <= spans <= traces["delivered"] + traces["duplicates"]
    assert arrived.copies <= traces["duplicates"]
    assert logs["delivered"] <= records <= logs["delivered"] + logs["duplicates"]
    assert said["memory"]["most"] <= said["memory"]["start"] + 1.5 * QUEUE
