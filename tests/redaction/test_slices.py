"""Long texts: searched in slices off the caller's thread, and not for ever on it."""

import json
import re

import hypothesis
import hypothesis.strategies as st
import pytest

from otel_flow.redaction import build_redaction, slices
from otel_flow.redaction.reach import reach_of
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
        "rows": lambda n: f"Failing row contains (1, secret{n})\n",
        "duplicates": lambda n: f"Duplicate entry 'v{n}' for key 'password' ",
        "list": lambda n: f"{'' if n else 'select x from t where password in ('}'v{n}', ",
        "lines": lambda n: "\n" if n else 'Traceback:\n  File "a.py", line 1, in f\n',
        "code": lambda n: f'{"" if n else "Traceback:"}\n  File "a.py", line {n % 9}, in f',
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


def test_a_frame_inside_of_a_line_is_none():
    """What looks like a frame of a stack trace but begins no line is text like any other."""
    text = 'it said:   File "a.py", line 1\npassword=hunter2 was refused'

    assert build_redaction(Settings()).text(text) == text.replace("hunter2", "[REDACTED]")


@pytest.mark.parametrize("size", [1, 30, 400])
def test_documents_are_read_and_written_as_ever(size):
    """JSON of any length comes back as the standard library would write it, but for its secrets."""
    rows = [{"n": n, "x": n / 7, "é": ["ü", None, True], "password": f"x{n}"} for n in range(size)]
    masked = [{**row, "password": "[REDACTED]"} for row in rows]
    redaction = build_redaction(Settings())

    for unhurried in (redaction, redaction.with_steps(lambda: slices.go_on)):
        shown = unhurried.text(json.dumps(rows))
        assert shown == json.dumps(masked, ensure_ascii=False)


def test_literals_of_a_statement_are_found_in_order():
    """Each literal that a secret name governs is marked once, also where two names govern it."""
    text = "select x from t where password = 'a1' and 'b2' = password and token in ('c3', 'd4')"
    shown = "select x from t where password = {0} and {0} = password and token in ({0}, {0})"
    mark = "'[REDACTED]'"

    assert build_redaction(Settings()).text(text) == shown.format(mark)


OWN = [
    *[r"TCK-\d{8}", r"TCK-\d{1,8}(?=;)", r"(?<=-)\d{4}\b", r"(?i)(tck)-\d{2,3}(?!\d)"],
    *[r"(?P<a>T|C)(?:x|y){0,3}(?P=a)", r"TCK-[0-9]{2}$", r"^TCK-\d", r"\ATCK", r"T(?=.{0,20}K\d)"],
]
UNBOUND = [r"TCK-\d+", r"T?", r"T(?=.*K)", r"a{1,5000}"]


@hypothesis.given(
    st.sampled_from(OWN),
    st.lists(st.sampled_from(["TCK-", "1234", "5678", ";", " ", "x", "\n", "T", "C", "K9", "-"])),
)
@hypothesis.settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_patterns_of_the_users_own_in_slices(monkeypatch, pattern, pieces):
    """What a user's expression finds does not depend on where a long text is cut for it."""
    text = "".join(pieces) * 3
    redaction = build_redaction(Settings(redaction_patterns={"own": pattern}))
    found = []
    for window in (1, 7, 1_000_000):
        monkeypatch.setattr(slices, "WINDOW", window)
        found.append(redaction.search.with_steps(lambda: slices.go_on).search(text))

    assert reach_of(re.compile(pattern)) is not None
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("pattern", UNBOUND)
def test_expressions_without_a_bound_are_not_cut(pattern):
    """An expression whose matches may be empty, or of any length, is tried on the whole text."""
    assert reach_of(re.compile(pattern)) is None


def test_names_of_the_users_own_are_found_in_texts():
    """A user's name is found in a text that holds no name known to us."""
    redaction = build_redaction(Settings(redaction_keys=("shoe size", "x-internal-*")))

    assert redaction.text("shoeSize=44 and more") == "shoeSize=[REDACTED] and more"
    assert redaction.text('{"shoe_sizes": "44"}') == '{"shoe_sizes": "[REDACTED]"}'
    assert redaction.text("X-Internal-Id: abc17") == "X-Internal-Id: [REDACTED]"
