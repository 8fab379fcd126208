from urllib.parse import quote

import pytest

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from otel_flow.errors import ConfigError
from otel_flow.settings import Settings


bounded = profile(deadline=None, max_examples=60)

KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    str.strip
)
VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
TOKENS = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", fullmatch=True)
HEADER_VALUES = st.from_regex(r"[\x20-\x7e]{0,20}", fullmatch=True)


def encoded(pairs):
    return ",".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)


@bounded
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5))
def test_resource_attributes_round_trip(attributes):
    """Whatever is percent-encoded into OTEL_RESOURCE_ATTRIBUTES comes back as it was."""
    settings = Settings.from_environ({"OTEL_RESOURCE_ATTRIBUTES": encoded(attributes.items())})

    assert settings.resource_attributes == attributes


@bounded
@given(st.dictionaries(TOKENS.map(str.lower), HEADER_VALUES, min_size=1, max_size=5))
def test_headers_round_trip(headers):
    """Whatever is percent-encoded into the headers comes back as it was, in order."""
    settings = Settings.from_environ({"OTEL_EXPORTER_OTLP_HEADERS": encoded(headers.items())})

    assert settings.otlp_traces.headers == tuple(headers.items())


@bounded
@given(st.text(min_size=1, max_size=60))
@pytest.mark.parametrize(
    "name", ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_FLOW_LOG_LEVELS"]
)
def test_any_text_is_read_or_refused(name, text):
    """Any text is either read or one problem; nothing else escapes."""
    disabled = {"OTEL_SDK_DISABLED": "true"}

    settings = Settings.from_environ({name: text, **disabled})

    values = (
        *settings.resource_attributes.values(),
        *dict(settings.otlp_traces.headers).values(),
    )
    assert all(isinstance(value, str) for value in values)
    assert len(settings.warnings) <= 1


@pytest.mark.parametrize(
    "text",
    ["a", "a,b=c", "=b", "a=%", "a=%4", "a=%zz", "a=%ff", "%gg=b", "a=b,,c"],
)
@pytest.mark.parametrize("name", ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS"])
def test_malformed(name, text):
    """A list without =, without a key or with a bad percent escape is a problem."""
    with pytest.raises(ConfigError, match=name):
        Settings.from_environ({name: text})


@pytest.mark.parametrize("text", ["a=b%0d%0aInjected:%20x", "a=b%00", "a%20b=c", "a=ä"])
def test_header_injection(text):
    """A header cannot carry control characters, and its name is a token."""
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_HEADERS"):
        Settings.from_environ({"OTEL_EXPORTER_OTLP_HEADERS": text})


def test_headers_as_people_write_them():
    """Blanks around pairs, = and ; inside values and a comma at the end are taken."""
    settings = Settings.from_environ(
        {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Basic YQ==, x-scope = a;b ,x-scope=c,"}
    )

    assert settings.otlp_traces.headers == (("authorization", "Basic YQ=="), ("x-scope", "c"))


def test_own_headers_replace_the_common_ones():
    """A signal's own headers replace the common ones, they are not merged."""
    settings = Settings.from_environ(
        {"OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "b=2"}
    )

    assert settings.otlp_logs.headers == (("b", "2"),)
    assert settings.otlp_traces.headers == (("a", "1"),)
