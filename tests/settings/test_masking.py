import json

import pytest

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from otel_flow.errors import ConfigError
from otel_flow.redaction.keys import looks_secret
from otel_flow.settings import OtlpSettings, ProxySettings, Settings
from otel_flow.settings.describe import describe
from otel_flow.settings.masking import mask_pairs, mask_url, printable


bounded = profile(deadline=None, max_examples=80)

SECRETS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!$()*+-._~:@/?#%&=", max_size=16
).map(lambda text: f"S3cr{text}Zq9")
"""Secrets with whatever people forget to encode, and ends that occur nowhere else."""


def shown(environ, keywords):
    """Return all that is ever printed of a configuration."""
    try:
        settings = Settings.from_environ(environ, **keywords)
    except ConfigError as error:
        return str(error) + repr(error) + repr(error.problems)
    rows = describe(settings)
    values = json.dumps([(row.value, row.default) for row in rows])
    texts = " ".join(row.text for row in rows)
    return repr(settings) + str(settings) + values + texts + " ".join(settings.warnings)


PLACES = {
    "headers": lambda secret: ({"OTEL_EXPORTER_OTLP_HEADERS": f"authorization={secret}"}, {}),
    "malformed headers": lambda secret: ({"OTEL_EXPORTER_OTLP_LOGS_HEADERS": secret}, {}),
    "headers keyword": lambda secret: ({}, {"headers": {"x-key": secret}}),
    "wrong headers keyword": lambda secret: ({}, {"headers": secret}),
    "hash key": lambda secret: ({"OTEL_FLOW_REDACTION_HASH_KEY": secret}, {}),
    "scrape token": lambda secret: ({"OTEL_FLOW_PROMETHEUS_TOKEN": secret}, {}),
    "hash key with control": lambda secret: ({"OTEL_FLOW_REDACTION_HASH_KEY": f"{secret}\x07"}, {}),
    "endpoint": lambda secret: ({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://u:{secret}@c:4318"}, {}),
    "endpoint to gRPC's port": lambda secret: (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://u:{secret}@c:4317"},
        {},
    ),
    "endpoint without scheme": lambda secret: (
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"u:{secret}@c:4318"},
        {},
    ),
    "endpoint query": lambda secret: ({}, {"endpoint": f"https://c/?key={secret}"}),
    "endpoint in a group": lambda secret: (
        {},
        {"otlp_logs": OtlpSettings(endpoint=f"http://u:{secret}@c", headers=(("a", secret),))},
    ),
    "resource attribute": lambda secret: (
        {"OTEL_RESOURCE_ATTRIBUTES": f"service.name=a,api_key={secret}"},
        {},
    ),
    "resource attribute with a bad escape": lambda secret: (
        {"OTEL_RESOURCE_ATTRIBUTES": f"db.password={secret},b=%zz"},
        {},
    ),
    "resource attribute keyword": lambda secret: (
        {},
        {"resource_attributes": {"my.token": secret}},
    ),
    "wrong resource attribute keyword": lambda secret: (
        {},
        {"resource_attributes": {"a": 1, "my.token": secret}},
    ),
    "proxy": lambda secret: ({"HTTPS_PROXY": f"http://u:{secret}@proxy"}, {}),
    "proxy without scheme": lambda secret: ({"http_proxy": f"u:{secret}@proxy"}, {}),
    "proxy of another kind": lambda secret: ({"all_proxy": f"socks5://u:{secret}@proxy"}, {}),
    "proxy keyword": lambda secret: (
        {},
        {"proxies": ProxySettings(http=f"http://u:{secret}@proxy")},
    ),
    "URL in the wrong place": lambda secret: (
        {"OTEL_TRACES_EXPORTER": f"https://u:{secret}@c"},
        {},
    ),
}


@pytest.mark.parametrize("place", PLACES)
@bounded
@given(secret=SECRETS)
def test_secret_never_shows(place, secret):
    """No secret, nor either end of one, appears in a repr, an error, a warning or a row."""
    environ, keywords = PLACES[place](secret)

    text = shown(environ, keywords)

    assert "S3cr" not in text
    assert "Zq9" not in text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://c:4318/v1", "http://c:4318/v1"),
        ("http://u:p@c:4318/v1", "http://***@c:4318/v1"),
        ("u:p@c", "***@c"),
        ("http://u:p@q@c", "http://***@c"),
        ("https://c/x?token=1#a", "https://c/x?***"),
        ("unix:///run/otel.sock:/v1/logs", "unix:///run/otel.sock:/v1/logs"),
    ],
)
def test_mask_url(url, expected):
    """User-info, query and fragment go, the rest of a URL stays."""
    assert mask_url(url) == expected


def test_mask_pairs():
    """Pairs are shown until the first key that looks secret."""
    assert mask_pairs("a=b,password=c,d=e") == "a=b,password=***"
    assert mask_pairs("a=b,c") == "a=b,c"


@pytest.mark.parametrize(
    "key",
    ["password", "db.passwd", "API-KEY", "apikey", "my_token", "aws_secret", "Cookie", "auth"],
)
def test_secret_keys(key):
    """Keys that people keep secrets under are known."""
    assert looks_secret(key)


@pytest.mark.parametrize("key", ["service.name", "author", "host.name", "cloud.account.id", "team"])
def test_plain_keys(key):
    """Keys of ordinary attributes are shown."""
    assert not looks_secret(key)


def test_printable():
    """Control characters, line ends and lone surrogates are escaped, long text is cut."""
    assert printable("a\n\x1b\udc80é") == "a\\n\\x1b\\udc80é"
    assert printable("abc", limit=2) == "ab…"


def test_repr_shows_what_was_set():
    """The repr holds what differs from the defaults and nothing else."""
    settings = Settings(service_name="shop", shutdown_timeout=1.0)

    assert repr(settings) == "Settings(service_name='shop', shutdown_timeout=1.0)"
    assert repr(Settings()) == "Settings()"
