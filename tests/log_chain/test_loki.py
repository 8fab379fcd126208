"""The same event on stdout and in a real Loki."""

import json

import pytest

from tests.log_chain.programs import OURS
from tests.log_chain.test_events import EXCEPTION, FIELDS, STRUCTLOG
from tests.stack.query import loki_lines, poll_until


KEYED = EXCEPTION.replace("order_id=17", "**{'order.id': 17, 'total': 1.5, 'express': True}")


@pytest.mark.stack
def test_the_keys_on_stdout_are_those_in_loki(stack):
    """Each key of the line, its dots as underscores, is one of the entry, with the same value."""
    from tests.bootstrap.test_configure import run

    program = "\n".join([OURS.replace("shop", "keys"), STRUCTLOG, KEYED])
    (line,) = map(json.loads, run(program, stack.otlp_http).stdout.splitlines())
    ((labels, text),) = poll_until(
        lambda: loki_lines(stack.loki, '{service_name="keys"}'), 30, "the line in Loki"
    )

    assert text == line["event"]
    own = {key: value for key, value in line.items() if key not in FIELDS}
    shown = {key.replace(".", "_"): str(value) for key, value in own.items() if value is not True}
    assert {key: labels.get(key) for key in shown} == shown
    assert labels["express"] == "true"
    assert (labels["trace_id"], labels["span_id"]) == (line["trace_id"], line["span_id"])
    assert (labels["scope_name"], labels["severity_text"]) == (line["logger"], "ERROR")
