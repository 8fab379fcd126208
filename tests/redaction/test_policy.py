"""What a user may ask of the policy, and what no value may do to it."""

import subprocess
import sys

import hypothesis
import hypothesis.strategies as st
import pytest

import otel_flow

from otel_flow.otlp import LogEncoder, Request, Sources
from otel_flow.otlp.receiver.decode import decode
from otel_flow.otlp.records import LogEvent
from otel_flow.otlp.redactor import DROPPED
from otel_flow.redaction import build_redaction
from otel_flow.redaction.build import redaction_keywords
from otel_flow.settings import Settings


JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxNyJ9.u8jzPde0IgxLd6GncfBAepfJBd0Kh8oOOL8dKLzdocJ"


def policy(**keywords):
    return build_redaction(Settings(**keywords))


NAMES = st.sampled_from(["order_id", "pin", "api_token", "token_count", "total", "card", ""])


@hypothesis.given(
    NAMES | st.text(max_size=12), st.integers(-(2**63), 2**63 - 1) | st.floats(), st.booleans()
)
def test_numbers_that_are_not_asked_for(name, number, safe):
    """What leaves unasked because of what its key is clear below leaves as it is when asked for."""
    asked = policy(redaction_safe_keys=(name,) if safe and name else ())
    below = asked.clear_below(name)
    unasked = number < below if isinstance(number, int) else below > 0

    assert below in {-(2**63), 10**12, 2**63}
    assert not unasked or asked.attribute(name, number) is number


@pytest.mark.parametrize(
    ("name", "number"), [("pin", 1234), ("pin", 12.34), ("order", 4111111111111111)]
)
def test_numbers_that_are_secret(name, number):
    """A number that is secret by its name or its digits is masked in what is encoded."""
    event = {"scope": None, "timestamp": 1, "observed_timestamp": 1, "body": "paid"}
    record = LogEvent(
        **event, severity_number=9, severity_text="INFO", attributes={name: number, "n": number}
    )
    request = Request(Sources())
    request.add(None, None, LogEncoder(policy()).encode(record))
    (arrived,) = decode("logs", request.encode()).records

    assert str(arrived.attributes[name]).startswith("[REDACTED")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("password", "hunter2", "[REDACTED]"),
        ("note", JWT, "[REDACTED:jwt]"),
        (
            "url.full",
            "https://bob:pw@h/?token=abcdef",
            "https://REDACTED:REDACTED@h/?token=REDACTED",
        ),
        ("payload", '{"password": "hunter2", "n": 1}', '{"password": "[REDACTED]", "n": 1}'),
        ("payload", {"user": {"pin": 1234}}, {"user": {"pin": "[REDACTED]"}}),
        ("headers", [(b"authorization", b"abc")], [(b"authorization", "[REDACTED]")]),
        (
            "headers",
            [{"name": "cookie", "value": "abc"}],
            [{"name": "cookie", "value": "[REDACTED]"}],
        ),
        ("argv", ("app", "--password", "hunter2"), ("app", "--password", "[REDACTED]")),
        ("body", b"password=hunter2 n=1", b"password=[REDACTED] n=1"),
        ("amount", 4111111111111111, "[REDACTED:card_number]"),
        ("token_count", 17, 17),
        ("author", "auth", "auth"),
        ("password", "", ""),
        ("password", None, None),
        ("password", True, True),
    ],
)
def test_what_is_shown(key, value, shown):
    """What stands for a secret shows what it was, and leaves the rest as it is."""
    assert policy().attribute(key, value) == shown


def test_a_hash_tells_equal_secrets_from_others():
    """Equal secrets have equal hashes under one key, and others under another."""
    one = policy(redaction_mode="hash", redaction_hash_key="k")
    other = policy(redaction_mode="hash", redaction_hash_key="l")

    assert one.attribute("password", "a") == one.attribute("db_password", "a")
    assert one.attribute("password", "a") != one.attribute("password", "b")
    assert one.attribute("password", "a") != other.attribute("password", "a")
    assert one.attribute("url", "https://h/?token=abcdef").startswith("https://h/?token=REDACTED-")


def test_dropping_takes_the_attribute():
    """In drop mode an attribute that is a secret is gone; inside a text, the secret is masked."""
    redaction = policy(redaction_mode="drop")

    assert redaction.attribute("password", "hunter2") is DROPPED
    assert redaction.attributes({"a": 1, "password": "x", "note": f"got {JWT}"}) == {
        "a": 1,
        "note": "got [REDACTED:jwt]",
    }
    assert redaction.attributes({"user": {"pin": 1, "id": 2}}) == {"user": {"id": 2}}
    assert redaction.attribute("card", 4111111111111111) is DROPPED


def test_names_of_the_users_own():
    """A user's names are secret in any spelling; with ``*`` they are patterns of whole names."""
    redaction = policy(redaction_keys=("shoe size", "x-internal-*"))

    assert redaction.attribute("shoeSize", 44) == "[REDACTED]"
    assert redaction.attribute("customer.shoe_size", "44") == "[REDACTED]"
    assert redaction.attribute("shoe", 44) == 44
    assert redaction.attribute("X-Internal-Id", "a") == "[REDACTED]"
    assert redaction.attribute("an-x-internal-id", "a") == "a"


def test_names_that_are_safe():
    """What the user says is safe is left alone, whatever it looks like; the rest is not."""
    redaction = policy(redaction_safe_keys=("session token", "public.*"))

    assert redaction.attribute("session_token", JWT) == JWT
    assert redaction.attribute("public.password", "x") == "x"
    assert redaction.attribute("user_session_token", "x") == "[REDACTED]"


def test_patterns_of_the_users_own():
    """A user's pattern marks what it matches, or its group."""
    redaction = policy(redaction_patterns={"ticket": r"T-\d{4}", "seat": r"seat (\d+[A-F])"})

    assert redaction.text("T-1234 has seat 17C") == "[REDACTED:ticket] has seat [REDACTED:seat]"


@pytest.mark.parametrize(
    ("option", "text", "shown"),
    [
        ("email", "mail bob.x+y@shop.example now", "mail [REDACTED:email] now"),
        ("email", "GET /users/bob%40shop.example", "GET /users/[REDACTED:email]"),
        ("email", "git@v1 and a@b", "git@v1 and a@b"),
        ("phone", "call +49 30 1234567 now", "call [REDACTED:phone] now"),
        ("phone", "call (030) 123 4567", "call [REDACTED:phone]"),
        ("phone", "212-555-0187", "[REDACTED:phone]"),
        ("phone", "2026-11-26 and 10.0.0.1", "2026-11-26 and 10.0.0.1"),
        ("ip", "from 203.0.113.77:80", "from 203.0.113.0/24:80"),
        ("ip", "from 2001:db8:1:2::3", "from 2001:db8:1::/48"),
        ("ip", "127.0.0.1, 10.0.0.0/8, ::1, 999.1.1.1", "127.0.0.1, 10.0.0.0/8, ::1, 999.1.1.1"),
        ("ip", "Chrome/120.0.0.0", "Chrome/120.0.0.0"),
    ],
)
def test_personal_data_by_setting(option, text, shown):
    """Addresses of mail, telephones and hosts are hidden where a setting asks for it only."""
    assert policy(redaction_options=(option,)).text(text) == shown
    assert policy().text(text) == text


def test_a_callback_decides():
    """The callback sees key, pattern and secret; None gives what the mode gives."""
    seen = []

    def decide(finding):
        seen.append((finding.key, finding.pattern, finding.secret))
        return {"hunter2": "<pw>", "keep": "keep"}.get(finding.secret)

    redaction = policy(redaction_callback=decide)

    assert redaction.attribute("password", "hunter2") == "<pw>"
    assert redaction.attribute("password", "keep") == "keep"
    assert redaction.attribute("password", "other") == "[REDACTED]"
    assert redaction.attribute("note", JWT) == "[REDACTED:jwt]"
    assert redaction.text("token=hunter2") == "token=<pw>"
    assert ("password", "named", "hunter2") in seen
    assert ("note", "jwt", JWT) in seen
    assert "hunter2" not in repr(seen[0][:2])


@pytest.mark.parametrize("answer", [17, b"x", ValueError])
def test_a_broken_callback_lets_nothing_out(answer, caplog):
    """What a callback raises or returns besides text masks the secret, with one warning."""

    def decide(finding):
        if answer is ValueError:
            raise ValueError(finding.secret)
        return answer

    redaction = policy(redaction_callback=decide)

    assert redaction.attribute("password", "hunter2") == "[REDACTED]"
    assert redaction.attribute("password", "hunter3") == "[REDACTED]"
    assert len(caplog.records) == 1
    assert "hunter" not in caplog.text


def test_off_is_off():
    """Switched off, everything passes as it is."""
    redaction = policy(redaction="off")
    values = {"password": "hunter2", "note": JWT}

    assert redaction.attributes(values) is values
    assert redaction.text(JWT) == JWT


def test_the_keyword_of_configure():
    """*redaction* of ``configure`` is a switch, or the settings by their short names."""
    assert redaction_keywords(None) == {}
    assert redaction_keywords(redaction=False) == {"redaction": "off"}
    assert redaction_keywords({"mode": "drop"}) == {"redaction_mode": "drop"}
    with pytest.raises(TypeError, match="redaction_mood"):
        otel_flow.configure(redaction={"mood": "drop"})
    with pytest.raises(otel_flow.ConfigError, match="HASH_KEY"):
        otel_flow.configure(redaction={"mode": "hash"})


class Hostile:
    """Raises whatever is asked of it, with a secret in the message."""

    def __str__(self):
        raise ValueError("password=hunter2")

    __repr__ = __hash__ = __eq__ = __str__


def test_values_that_raise_are_redacted():
    """A value that raises is replaced by the name of what it raised, never by its message."""
    assert policy().attribute("note", Hostile()) == "[REDACTED:ValueError]"
    assert "hunter2" not in str(policy().attributes({"password": Hostile(), "n": 1}))


def test_cycles_and_depth_come_to_an_end():
    """What is nested in itself, too deep or too large is not shown beyond what was searched."""
    cycle: dict = {"password": "hunter2"}
    cycle["self"] = cycle
    deep: list = ["hunter2"]
    for _ in range(100):
        deep = [deep]
    wide = [{"password": "hunter2"}] * 20_000

    for value in (cycle, {"password": deep}, wide):
        assert "hunter2" not in str(policy().attribute("note", value))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@hypothesis.given(st.text(), VALUES)
@hypothesis.settings(max_examples=300, deadline=None)
def test_nothing_raises_and_twice_is_once(key, value):
    """Whatever it is given, the policy never raises, and leaves alone what it has redacted."""
    redaction = policy(redaction_options=("email", "phone", "ip"))
    once = redaction.attribute(key, value)

    assert written(redaction.attribute(key, once)) == written(once)


def written(value):
    """The text of a value; NaN is not equal to itself."""
    return repr(value)


HOSTILE_TEXTS = """
import sys
from otel_flow.redaction import build_redaction
from otel_flow.settings import Settings

redaction = build_redaction(Settings(redaction_options=("email", "phone", "ip")))
redaction = redaction.with_steps(lambda: lambda: None)
for piece in ("a.", "password", "password=", "=", ":", "'", '"', "\\\\\\\\", "eyJa", "Basic ", "4111 ",
              "a@b.", "1:", "1.", "-----BEGIN A ", "INSERT INTO password VALUES (", "{", "[", "<a>",
              "DE89 ", "://", "%25", "--token ", "\\\\u0061", "password: ", ", ", "(", "+1 "):
    redaction.text(piece * (400_000 // len(piece)))
for _ in range(50):
    redaction.text("\\\\" * 60_000 + "\\\\u00zz")
    redaction.text(f"+1{'2' * 40}a " * 1000)
print("done")
"""


def test_no_text_takes_more_than_linear_time():
    """Texts of 400 000 characters that lead patterns astray are read; squares would take hours."""
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE_TEXTS],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.stdout == "done\n", done.stderr
