"""Settings of the instrumentations: what is recorded, and what is sent back to the caller."""

from __future__ import annotations

import ipaddress
import re

from otel_flow.settings.kinds import Flag, Rejected, Seconds, Text, Words, WordsOrNone, choice
from otel_flow.settings.table.setting import Setting


_FLAG = Flag()


def pattern(text: str) -> str:
    """Return *text* if it is a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise Rejected(f"regular expressions ({error})") from None
    return text


def header_pattern(text: str) -> str:
    """Return *text*, lower-case, if it is the name of a header or a regular expression of some."""
    return pattern(text).lower()


def network(text: str) -> str:
    """Return *text* if it is ``*``, an IP address or a network in CIDR notation."""
    try:
        return text if text == "*" else str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise Rejected("IP addresses or networks such as 10.0.0.0/8, or *") from None


def trace_url(text: str) -> None:
    """Reject *text* unless a trace id can be put into it."""
    if "{trace_id}" not in text:
        raise Rejected(
            "a URL with {trace_id} in it, such as http://localhost:16686/trace/{trace_id}"
        )


INSTRUMENTATION = (
    Setting(
        "disabled_instrumentations",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        Words(),
        "Instrumentations that stay off, by name; * is all.",
    ),
    Setting(
        "excluded_urls",
        "OTEL_PYTHON_EXCLUDED_URLS",
        Words(each=pattern),
        "Paths without telemetry, regular expressions by commas, beside the default ones.",
        falls_back_to=("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS",),
    ),
    Setting(
        "excluded_defaults",
        "OTEL_FLOW_EXCLUDED_DEFAULTS",
        _FLAG,
        "Whether health probes, /metrics and the docs pages have no telemetry.",
    ),
    Setting("access_log", "OTEL_FLOW_ACCESS_LOG", _FLAG, "One log line a request, from us."),
    Setting(
        "slow_request",
        "OTEL_FLOW_SLOW_REQUEST",
        Seconds(timeout=True),
        "Duration from which a request is logged as slow; 0 is never.",
        "s",
    ),
    Setting(
        "slow_query",
        "OTEL_FLOW_SLOW_QUERY",
        Seconds(timeout=True),
        "Duration from which a query is logged as slow; 0 is never.",
        "s",
    ),
    Setting(
        "request_id_headers",
        "OTEL_FLOW_REQUEST_ID_HEADERS",
        Words(each=str.lower),
        "Headers that may bring a request id, the first valid one wins.",
    ),
    Setting(
        "trusted_proxies",
        "OTEL_FLOW_TRUSTED_PROXIES",
        Words(each=network),
        "Addresses or networks whose forwarded headers are believed; * is all.",
    ),
    Setting(
        "capture_request_headers",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
        Words(each=header_pattern),
        "Request headers that become attributes of the server span.",
    ),
    Setting(
        "capture_response_headers",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE",
        Words(each=header_pattern),
        "Response headers that become attributes of the server span.",
    ),
    Setting(
        "server_timing",
        "OTEL_FLOW_SERVER_TIMING",
        _FLAG,
        "Server-Timing header with the trace id in responses.",
    ),
    Setting(
        "process_time_header",
        "OTEL_FLOW_PROCESS_TIME_HEADER",
        _FLAG,
        "X-Process-Time header in responses.",
    ),
    Setting(
        "sqlcommenter",
        "OTEL_FLOW_SQLCOMMENTER",
        _FLAG,
        "SQL comment with the traceparent on each statement.",
    ),
    Setting(
        "trace_url_template",
        "OTEL_FLOW_TRACE_URL_TEMPLATE",
        Text(accepts=trace_url),
        "URL of a trace with {trace_id} in it, for the console.",
    ),
    Setting(
        "runtime",
        "OTEL_FLOW_RUNTIME",
        WordsOrNone(each=choice("process", "gc", "eventloop", "anyio", "none").parse),
        "What is measured of the process: process, gc, eventloop, anyio, or none.",
    ),
    Setting(
        "blocked_loop",
        "OTEL_FLOW_BLOCKED_LOOP",
        Seconds(timeout=True),
        "How long a callback may block the event loop before its stack is logged; 0 is for ever.",
        "s",
    ),
    Setting(
        "celery_link",
        "OTEL_FLOW_CELERY_LINK",
        _FLAG,
        "Celery tasks start their own trace, linked to the publisher's.",
    ),
    Setting(
        "cache_from_replies",
        "OTEL_FLOW_CACHE_FROM_REPLIES",
        _FLAG,
        "Cache hits and misses are counted from the replies to GET and MGET.",
    ),
)
