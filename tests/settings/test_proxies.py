import pytest

from otel_flow.settings import ProxySettings, Settings


ENDPOINT = "http://collector:4318/v1/traces"


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, ENDPOINT, None),
        ({"HTTP_PROXY": "http://p:1"}, ENDPOINT, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://collector", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://collector", "http://p:1"),
        ({"ALL_PROXY": "p:1"}, ENDPOINT, "http://p:1"),
        ({"HTTP_PROXY": "upper", "http_proxy": "lower"}, ENDPOINT, "http://lower"),
        ({"HTTP_PROXY": "p", "NO_PROXY": "*"}, ENDPOINT, None),
        ({"HTTP_PROXY": "p", "no_proxy": "other"}, ENDPOINT, "http://p"),
        ({"HTTP_PROXY": "p"}, "unix:///run/otel.sock:/v1/traces", None),
    ],
)
def test_proxy_of_an_endpoint(environ, url, proxy):
    """The proxy variables choose the proxy as curl does; lower case wins."""
    assert Settings.from_environ(environ).proxy_for(url) == proxy


@pytest.mark.parametrize(
    ("bypass", "url", "direct"),
    [
        ("collector", ENDPOINT, True),
        ("COLLECTOR", ENDPOINT, True),
        ("collector:4318", ENDPOINT, True),
        ("collector:80", ENDPOINT, False),
        (".internal", "http://a.internal", True),
        ("internal", "http://a.internal", True),
        ("*.internal", "http://a.internal", True),
        ("internal", "http://ainternal", False),
        ("10.0.0.0/8", "http://10.2.3.4:4318", True),
        ("10.0.0.0/8", "http://11.2.3.4:4318", False),
        ("10.0.0.1", "http://10.0.0.1", True),
        ("::1", "http://[::1]:4318", True),
        ("[::1]:4318", "http://[::1]:4318", True),
        ("[::1]:80", "http://[::1]:4318", False),
        ("a, collector ,b", ENDPOINT, True),
        (".", ENDPOINT, False),
    ],
)
def test_bypass(bypass, url, direct):
    """NO_PROXY takes hosts, domains, addresses and networks, each with a port if need be."""
    settings = Settings.from_environ({"ALL_PROXY": "p", "NO_PROXY": bypass})

    assert (settings.proxy_for(url) is None) is direct


def test_request_header_under_cgi():
    """Under CGI, HTTP_PROXY is what a client sent and does not count (httpoxy)."""
    environ = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "evil"}

    assert Settings.from_environ(environ).proxy_for(ENDPOINT) is None
    assert (
        Settings.from_environ({**environ, "http_proxy": "good"}).proxy_for(ENDPOINT)
        == "http://good"
    )


def test_proxy_of_another_kind():
    """A SOCKS proxy has no effect, and a warning says so."""
    settings = Settings.from_environ({"ALL_PROXY": "socks5://p:1"})

    assert settings.proxy_for(ENDPOINT) is None
    assert settings.warnings == (
        "ALL_PROXY=socks5://p:1 has no effect: only HTTP proxies are supported",
    )


def test_keyword_is_checked_like_the_variables():
    """A proxy given as keyword is completed, and doubted, as a variable is."""
    settings = Settings.from_environ(
        {"HTTP_PROXY": "variable"}, proxies=ProxySettings(http="p:1", https="socks5://p")
    )

    assert settings.proxies == ProxySettings(http="http://p:1")
    assert "proxies.https=socks5://p has no effect" in settings.warnings[0]
