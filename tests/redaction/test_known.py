"""How much the policy remembers."""

import pytest

from otel_flow.redaction import build_redaction
from otel_flow.settings import Settings
from tests.entries import entries


DIFFERENT = 100_000
MOST = 20_000
"""Values in all containers of a policy: its patterns, and what it remembers of keys and texts."""
TRACE = 'Traceback (most recent call last):\n  File "a.py", line {}, in f\n    g()\nValueError: no'
EVER_NEW = {
    "keys": lambda policy, n: policy.attribute(f"key.{n}", "plain"),
    "keys of numbers": lambda policy, n: policy.clear_below(f"key.{n}"),
    "values": lambda policy, n: policy.attribute("key", f"plain {n}"),
    "secrets": lambda policy, n: policy.attribute("note", f"password={n}"),
    "texts": lambda policy, n: policy.text(f"plain {n}"),
    "statements": lambda policy, n: policy.attribute("db.query.text", f"SELECT {n} FROM t"),
    "stack traces": lambda policy, n: policy.attribute("exception.stacktrace", TRACE.format(n)),
}


@pytest.mark.parametrize("what", EVER_NEW)
def test_what_is_remembered_is_bounded(what):
    """A hundred thousand different keys or texts leave no more behind than the first thousands."""
    policy = build_redaction(Settings())
    held = []
    for n in range(DIFFERENT):
        EVER_NEW[what](policy, n)
        if n % 5000 == 0:
            held.append(entries(policy))

    assert held[-1] <= held[1] or held != sorted(held)
    assert max(held) < MOST
