"""The page of all settings is printed from the settings."""

from otel_flow.cli import main
from tests.stack.build import ROOT


def test_the_page_is_printed_by_the_command(capsys, monkeypatch):
    """docs/settings.md is what ``otel-flow env --markdown`` prints, whatever is set."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "dice")

    assert main(["env", "--markdown"]) == 0

    assert (ROOT / "docs" / "settings.md").read_text() == capsys.readouterr().out
