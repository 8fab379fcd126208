"""
``docs/differences.md``: what contrib's instrumentations record and what ours do, run side by side.

``python -m tests.differences.page`` writes it. A subject is a module with TITLE, AGAINST,
``run(side, providers, notes)`` and ROWS of a question and a function that reads the answer
from what arrived.
"""

from __future__ import annotations

import importlib

from tests.differences.arrived import compare
from tests.stack.build import ROOT


PAGE = ROOT / "docs" / "differences.md"

SUBJECTS = ("http_server", "statements", "commands", "tasks", "http_client")

INTRODUCTION = """\
# Differences to contrib's instrumentations

The same program is run twice, each time in a process of its own: with the SDK and contrib's
instrumentation (with stable semantic conventions), and with otel-flow. Each row is what arrived
at an OTLP receiver. `python -m tests.differences.page` runs it all and writes this page;
`make fidelity` compares.
"""


def render() -> str:
    """The page, from runs made now."""
    return "\n".join([INTRODUCTION, *(section(subject) for subject in SUBJECTS)])


def section(subject: str) -> str:
    """The table of one subject."""
    module, sides = importlib.import_module(f"tests.differences.{subject}"), compare(subject)
    rows = [
        "| " + " | ".join([question, *(read(sides[side]) for side in ("contrib", "ours"))]) + " |"
        for question, read in module.ROWS
    ]
    heading = [f"## {module.TITLE}", "", f"| | {module.AGAINST} | otel-flow |", "|---|---|---|"]
    return "\n".join([*heading, *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(render())
