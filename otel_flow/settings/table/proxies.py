"""The proxy variables, as curl knows them: the lower-case name wins."""

from __future__ import annotations

from otel_flow.names import environment
from otel_flow.settings.kinds import Doubted, Url, Words
from otel_flow.settings.table.setting import Setting


def proxy_url(text: str) -> str:
    """Return *text* as the URL of an HTTP proxy; doubt other kinds of proxies."""
    url = text if "://" in text else f"http://{text}"
    if not url.startswith(("http://", "https://")):
        raise Doubted(value=None, message="has no effect: only HTTP proxies are supported")
    return url


def _proxy(name: str, variable: str, doc: str) -> Setting:
    return Setting(
        f"proxies.{name}",
        variable.lower(),
        Url(accepts=proxy_url),
        doc,
        falls_back_to=(variable,),
    )


PROXIES = (
    _proxy("http", environment.HTTP_PROXY, "Proxy for http endpoints."),
    _proxy("https", environment.HTTPS_PROXY, "Proxy for https endpoints."),
    _proxy("all", environment.ALL_PROXY, "Proxy for endpoints without one of their own."),
    Setting(
        "proxies.bypass",
        environment.NO_PROXY.lower(),
        Words(),
        "Hosts, domains and networks that are reached without a proxy.",
        falls_back_to=(environment.NO_PROXY,),
    ),
)
