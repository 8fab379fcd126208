"""The published list, through the policy."""

import json

import pytest

from otel_flow.otlp.redactor import DROPPED
from otel_flow.redaction import build_redaction
from otel_flow.redaction.tokens import TOKEN_PATTERNS
from otel_flow.settings import Settings
from tests.redaction.canaries import LIST, canaries, survivors


CANARIES = canaries()

MODES = {
    "mask": {},
    "drop": {"redaction_mode": "drop"},
    "hash": {"redaction_mode": "hash", "redaction_hash_key": "k"},
}


def written(value):
    """All that a value shows, whatever it is written as."""
    return str(value) + json.dumps(value, ensure_ascii=False, default=str)


@pytest.mark.parametrize("mode", MODES)
def test_no_secret_of_the_list_passes(mode):
    """Every secret of the list is gone, in every spelling, place and mode, and its place is marked."""
    redaction = build_redaction(Settings(**MODES[mode]))
    leaks = []
    for canary in CANARIES:
        shown = redaction.attributes({canary.key: canary.value}).get(canary.key, DROPPED)
        unmarked = mode != "drop" and "REDACTED" not in written(shown)
        if canary.core in written(shown) or unmarked:
            leaks.append((canary.name, shown))

    assert leaks == []


def test_every_look_alike_survives():
    """What only looks like a secret is the very same object behind the policy."""
    redaction = build_redaction(Settings())
    harmed = [
        (key, value, redaction.attribute(key, value))
        for key, value in survivors()
        if redaction.attribute(key, value) is not value
    ]

    assert harmed == []


def test_look_alikes_survive_inside_a_text():
    """A look-alike survives in JSON and in a sentence, too."""
    redaction = build_redaction(Settings())
    texts = [json.dumps({key: value}) for key, value in survivors()]
    texts += [f"before {value} behind" for _, value in survivors()]

    assert [(text, redaction.text(text)) for text in texts if redaction.text(text) != text] == []


def test_what_is_redacted_stays_as_it_is():
    """Redacting what was redacted changes nothing, with and without hashes."""
    for keywords in MODES.values():
        redaction = build_redaction(Settings(**keywords))
        for canary in CANARIES:
            once = redaction.attributes({canary.key: canary.value})

            assert redaction.attributes(once) is once, canary.name


def test_the_list_is_long_enough():
    """The list has a secret for every shape, at least 60 secrets and 40 look-alikes."""
    shapes = {entry["pattern"] for entry in LIST["shapes"]}

    assert {pattern.name for pattern in TOKEN_PATTERNS} <= shapes
    assert sum(len(LIST[kind]) for kind in ("shapes", "names", "texts")) >= 60
    assert len(survivors()) >= 40
