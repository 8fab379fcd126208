"""The page on redaction tells what the code does."""

import re

from otel_flow.redaction.tokens import TOKEN_PATTERNS
from tests.stack.build import ROOT


PAGE = (ROOT / "docs" / "redaction.md").read_text()


def test_every_shape_is_listed():
    """The list of shapes is that of the code."""
    listed = PAGE.partition("<!-- shapes -->")[2].partition(".")[0]

    assert re.findall(r"\w+", listed) == sorted({pattern.name for pattern in TOKEN_PATTERNS})
