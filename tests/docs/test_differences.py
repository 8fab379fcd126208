"""The page of differences says what two runs show."""

import pytest

from tests.differences.page import PAGE, SUBJECTS, section


@pytest.mark.fidelity
@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_table_is_what_both_sides_record(subject):
    """Each table of docs/differences.md is what running both sides gives."""
    assert section(subject) in PAGE.read_text()
