import json
import os

import pytest

from otel_flow.cli import main
from tests.delivery.backend import Backend


class Examination:
    """What the command wrote with --json, and its exit code."""

    def __init__(self, code, text):
        self.code = code
        self.text = text
        self.document = json.loads(text)

    def found(self, check, subject=None):
        """The findings of *check*, of *subject* if one is given."""
        return [
            finding
            for finding in self.document["findings"]
            if finding["check"] == check and subject in {None, finding["subject"]}
        ]

    def one(self, check, subject=None):
        (finding,) = self.found(check, subject)
        return finding


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """Start every test without a variable that means something."""
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def examine(monkeypatch, capsys):
    """Run the command with variables and arguments."""

    def examine(*arguments, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        # Servers of a test answer at once, unless the machine is busy.
        code = main(["doctor", "--json", "--timeout", "60", *arguments])
        return Examination(code, capsys.readouterr().out)

    return examine


@pytest.fixture
def backend():
    """A backend that takes everything until told otherwise."""
    running = Backend()
    yield running
    running.close()
