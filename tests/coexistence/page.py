"""``docs/coexistence.md``, printed from the rows; ``python -m tests.coexistence.page`` writes it."""

from __future__ import annotations

from tests.coexistence.table import APART, ROWS, Row
from tests.stack.build import ROOT


PAGE = ROOT / "docs" / "coexistence.md"

INTRODUCTION = """\
# Coexistence

What happens under `otel-flow run` or `opentelemetry-instrument` when contrib's instrumentation of the
same library, or of one beneath it, is installed too. Each row is a program that a test runs with all
of them installed; the spans and records are those that arrived at an OTLP receiver. Contrib's
instrumentations of other libraries are loaded as usual, with stable semantic conventions, and their
spans join the same traces.

| Installed together | Whose is it | Spans | Log records |
|---|---|---|---|
"""

ENDING = """
- `OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=httpx` switches ours off as well as contrib's; `otel_flow_httpx`
  ours alone. To have contrib's instead of ours, call its `instrument()` yourself.
- Our instrumentation of a library begins when the program imports it, at once where it has: of a library that
  nobody imports, nothing is loaded. Contrib's instrumentors import theirs at the start.
- With another distribution installed beside, such as `opentelemetry-distro`, set `OTEL_PYTHON_DISTRO=otel_flow`
  and `OTEL_PYTHON_CONFIGURATOR=otel_flow`, or start with `otel-flow run`, which does.
- botocore's package brings the X-Ray propagator; it is used only where `OTEL_PROPAGATORS` names it.
- Instrumentations of language models (`opentelemetry-instrumentation-genai-…`) keep prompts, answers and tool
  arguments out of spans and log records until `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is `span_only`,
  `event_only` or `span_and_event`. What it then lets in passes the [redaction policy](redaction.md), which knows
  secrets by their shape and not what else a user tells a model.
"""


def render() -> str:
    """The page."""
    return INTRODUCTION + "\n".join(map(_line, (*ROWS, *APART))) + "\n" + ENDING


def _line(row: Row) -> str:
    spans = "<br>".join(f"{kind} `{name}` (`{scope}`)" for kind, name, scope in row.spans)
    records = "<br>".join(f"`{body}`" for body in row.records)
    return f"| {row.title} | {row.outcome} | {spans or 'none'} | {records or 'none'} |"


if __name__ == "__main__":
    PAGE.write_text(render())
