"""Long texts: searched in slices off the caller's thread, and not for ever on it."""

import json

import hypothesis
import hypothesis.strategies as st
import pytest

from otel_flow.redaction import build_redaction, slices
from otel_flow.settings import Settings
from tests.redaction.canaries import LIST, canaries


OPTIONS = ("email", "phone", "ip")
CANARIES = canaries()

PIECES = [
    *["password", "api_key", "token", "author", "name", "value", "hunter2", "17", "a.b", "null"],
    *["=", ":", " ", '"', "'", "\\", "\n", "\\n", "-", "--", "&", "?", "://", "@", "<", ">", "</"],
    *["(", ")", "[", "]", "{", "}", ",", ";", "$", "`", "#", "|", "\t", "é", "%", "%3D", "%C3%A9"],
    *["%20", "\\u0041", "=> ", ":= ", '"name": "', '"value": "', "bearer ", "Basic ", "eyJ", "sk-"],
    *["-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "Private-Lines: 3\n"],
    *[
        "insert into t (a, password) values (",
        "select x from t where ",
        "identified by ",
        "http://",
    ],
    *["4111 1111 1111 1111", "DE89370400440532013000", "+49 30 1234567", "a@b.example", "10.1.2.3"],
    *["u:p@h/", "u:p@tcp(h)", "[REDACTED]", "[REDACTED:", "Failing row contains (", "::1"],
    *["".join(entry["secret"]) for entry in LIST["shapes"]],
    *[entry["text"].format(entry["secret"]) for entry in LIST["texts"]],
]


@pytest.fixture
def search():
    """Return the search of texts of any length, in slices, with nothing to end it."""
    redaction = build_redaction(Settings(redaction_options=OPTIONS))
    return redaction.with_steps(lambda: slices.go_on).search.search


@pytest.fixture
def in_windows(monkeypatch, search):
    """Return the search with windows of so many characters."""

    def searched(text, window):
        monkeypatch.setattr(slices, "WINDOW", window)
        return search(text)

    return searched


@hypothesis.given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@hypothesis.settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_slices_find_what_one_go_finds(in_windows, text):
    """Whatever a text holds, a search in the smallest slices makes of it what one go makes."""
    at_once = in_windows(text, 1_000_000)

    assert in_windows(text, 1) == at_once
    assert in_windows(text, 13) == at_once


@pytest.mark.parametrize("before", ["x ", "id=7 ", "a\n", '{"k": "v"} ', "%20"])
def test_no_secret_escapes_at_a_cut(in_windows, before):
    """Every text of the list is masked wherever a cut goes through it, as it is in one go."""
    window = 64
    texts = {str(canary.value): canary.core for canary in CANARIES if canary.key == "note"}
    harmless = before * (window // len(before) * 6)
    for number, (text, core) in enumerate(texts.items()):
        filler = harmless[: -1 - number % window] + "\n"
        long = f"{filler}{text}\n{harmless}"
        at_once = in_windows(long, 1_000_000)

        assert core not in at_once, text
        assert in_windows(long, window) == at_once


def test_every_cut_of_every_shape(in_windows):
    """A secret of any shape is masked at every place that it can have before, in and after a cut."""
    for entry in LIST["shapes"]:
        secret = "".join(entry["secret"])
        for window in range(1, len(secret) + 40, 3):
            text = f"{'. ' * 30}{secret} {'. ' * 400}"

            assert in_windows(text, window) == in_windows(text, 1_000_000), (secret, window)


def long_texts():
    """Return texts of 64 KiB, each dense with what one search looks at."""
    units = {
        "names": lambda n: f"key{n}=value{n} ",
        "secrets": lambda n: f"password=hunter{n} ",
        "flags": lambda n: f"--token abc{n} ",
        "escapes": lambda n: f"key{n}%3Dvalue{n}%20",
        "JSON": lambda n: f'"key{n}": "value{n}", ',
        "SQL": lambda n: f"insert into users (id, password) values ({n}, 'pw{n}'); ",
        "cards": lambda _: "4111 1111 1111 1111 ",
        "URLs": lambda n: f"http://u{n}:p{n}@h/ ",
        "XML": lambda n: f"<key{n}>value{n}</key{n}>",
        "prose": lambda n: f"the brown fox {n} jumps over the lazy dog with its key. ",
        "one word": lambda _: "abcdefgh",
    }
    texts = {}
    for name, unit in units.items():
        text, n = "", 0
        while len(text) < 64 * 1024:
            text += "".join(unit(n + at) for at in range(100))
            n += 100
        texts[name] = text[: 64 * 1024]
    return texts


LONG = long_texts()


@pytest.mark.parametrize("name", LONG)
def test_long_texts_are_searched_in_many_steps(name):
    """A text of 64 KiB is left for others to run dozens of times, whatever it is dense with."""
    steps = []
    redaction = build_redaction(Settings()).with_steps(lambda: lambda: steps.append(None))
    redaction.text(LONG[name])

    assert len(steps) >= 60


@pytest.mark.parametrize("name", LONG)
def test_the_callers_thread_gives_up_in_time(monkeypatch, name):
    """On the caller's thread a text that takes too many steps is cut, and its beginning is masked."""
    monkeypatch.setattr(slices, "_STEPS", 50)
    shown = build_redaction(Settings()).text(LONG[name])

    assert len(shown) < 40_000
    assert shown.endswith(f"<cut: {len(LONG[name])} characters>")
    assert "hunter" not in shown


def test_the_callers_thread_gives_up_in_time_on_values(monkeypatch):
    """Of a nested value that takes too many steps, what was not looked at does not leave."""
    monkeypatch.setattr(slices, "_STEPS", 50)
    values = [{"note": "ok", "text": f"password=hunter{n}"} for n in range(1000)]
    shown = str(build_redaction(Settings()).attribute("rows", values))

    assert "hunter" not in shown
    assert shown.startswith("[{'note': 'ok', 'text': 'password=[REDACTED]'}")
    assert shown.endswith("'[REDACTED:unread]']")


def test_what_is_long_and_plain_leaves_whole():
    """What is long but holds little to look at is not cut on the caller's thread either."""
    redaction = build_redaction(Settings())
    numbers = list(range(9000))
    document = json.dumps({"rows": [{"n": n, "x": n / 7} for n in range(1200)]})

    for value in (LONG["prose"], LONG["one word"], document, numbers):
        assert redaction.attribute("note", value) is value


def test_names_of_the_users_own_are_found_in_texts():
    """A user's name is found in a text that holds no name known to us."""
    redaction = build_redaction(Settings(redaction_keys=("shoe size", "x-internal-*")))

    assert redaction.text("shoeSize=44 and more") == "shoeSize=[REDACTED] and more"
    assert redaction.text('{"shoe_sizes": "44"}') == '{"shoe_sizes": "[REDACTED]"}'
    assert redaction.text("X-Internal-Id: abc17") == "X-Internal-Id: [REDACTED]"
