"""What pages show of Python runs as it stands."""

import re

from tests.log_chain.programs import run
from tests.stack.build import ROOT


PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_measuring_runs_as_it_stands(receiver):
    """The blocks of the page on your own code are one program, and what they promise arrives."""
    blocks = PYTHON.findall((ROOT / "docs/measuring.md").read_text())
    done = run(receiver, *blocks)

    assert (done.code, done.stderr) == (0, "")
    spans = {span.name for span in receiver.spans()}
    assert {"price", "charge", "Basket.add", "import", "predict ranker", "outer"} <= spans
    assert {
        "app.report.duration",
        "app.report.rows",
        "otel_flow.operation.duration",
        "otel_flow.ml.inference.duration",
        "app.payments",
        "app.users.active",
    } <= receiver.metric_names()
    assert {"app.order.placed", "export.data"} <= set(done.bodies())
    assert "otel_flow.audit" in done.scopes()
