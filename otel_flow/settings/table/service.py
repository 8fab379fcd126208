"""Settings of the service and its surroundings: resource, logs, redaction, instrumentation."""

from __future__ import annotations

import ipaddress
import pathlib
import re

from otel_flow.settings.kinds import Flag, Rejected, Seconds, Secret, Text, Whole, Words, choice
from otel_flow.settings.pairs import Attributes, Levels
from otel_flow.settings.plugins import detector
from otel_flow.settings.table.setting import Setting


_FLAG = Flag()
_WORDS = Words()
_HEADER_NAMES = Words(each=str.lower)
_LEVEL = choice(
    trace="DEBUG",
    debug="DEBUG",
    info="INFO",
    warn="WARNING",
    warning="WARNING",
    error="ERROR",
    fatal="CRITICAL",
    critical="CRITICAL",
    none="CRITICAL",
)


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


def file_in_folder(path: str) -> None:
    """Reject *path* unless its folder exists."""
    if not pathlib.Path(path).absolute().parent.is_dir():
        raise Rejected("a file in a folder that exists")


def trace_url(text: str) -> None:
    """Reject *text* unless a trace id can be put into it."""
    if "{trace_id}" not in text:
        raise Rejected(
            "a URL with {trace_id} in it, such as http://localhost:16686/trace/{trace_id}"
        )


RESOURCE = (
    Setting(
        "service_name",
        "OTEL_SERVICE_NAME",
        Text(),
        "Name of the service; unset, the name of the running distribution.",
        attribute="service.name",
    ),
    Setting(
        "service_version",
        None,
        Text(),
        "Version of the service; unset, that of the running distribution.",
        attribute="service.version",
    ),
    Setting(
        "service_namespace",
        None,
        Text(),
        "Namespace of the service.",
        attribute="service.namespace",
    ),
    Setting(
        "environment",
        None,
        Text(),
        "Environment that the service is deployed in, such as production.",
        attribute="deployment.environment.name",
    ),
    Setting(
        "resource_attributes",
        "OTEL_RESOURCE_ATTRIBUTES",
        Attributes(),
        "Attributes of the resource, `key1=value1,key2=value2`, percent-encoded.",
    ),
    Setting(
        "platform_attributes",
        None,
        Attributes(),
        "Attributes of the resource from the variables that a Kubernetes manifest fills.",
    ),
    Setting(
        "resource_detectors",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
        Words(each=detector),
        "Resource detectors of other packages, by name; * is every installed one.",
    ),
    Setting(
        "detector_timeout",
        "OTEL_FLOW_DETECTOR_TIMEOUT",
        Seconds(positive=True),
        "Longest time that the start waits for resource detectors.",
        "s",
    ),
    Setting(
        "instance_id",
        "OTEL_FLOW_INSTANCE_ID",
        choice("slot", "uuid", "fixed"),
        "How service.instance.id is made: slot (reused after a restart), uuid, or fixed "
        "(exactly the one in the resource attributes).",
    ),
)

LOGS = (
    Setting(
        "sdk_log_level",
        "OTEL_LOG_LEVEL",
        _LEVEL,
        "Level of otel-flow's own messages on stderr.",
    ),
    Setting(
        "log_format",
        "OTEL_FLOW_LOG_FORMAT",
        choice("auto", "json", "console"),
        "json, console, or auto: console on a terminal, json elsewhere.",
    ),
    Setting("log_level", "OTEL_FLOW_LOG_LEVEL", _LEVEL, "Level below which events are dropped."),
    Setting(
        "log_levels",
        "OTEL_FLOW_LOG_LEVELS",
        Levels(_LEVEL),
        "Levels of single loggers, `sqlalchemy=WARNING,urllib3=ERROR`.",
    ),
    Setting(
        "log_file",
        "OTEL_FLOW_LOG_FILE",
        Text(accepts=file_in_folder),
        "File that log lines go to as well, rotated.",
    ),
    Setting(
        "log_file_bytes",
        "OTEL_FLOW_LOG_FILE_BYTES",
        Whole(minimum=1024, maximum=2**40),
        "Size at which the log file is rotated.",
        "bytes",
    ),
    Setting(
        "log_file_backups",
        "OTEL_FLOW_LOG_FILE_BACKUPS",
        Whole(maximum=1000),
        "Rotated log files that are kept.",
    ),
)

REDACTION = (
    Setting(
        "redaction",
        "OTEL_FLOW_REDACTION",
        choice("on", "off"),
        "Redaction of secrets in every signal: on or off.",
    ),
    Setting(
        "redaction_mode",
        "OTEL_FLOW_REDACTION_MODE",
        choice("mask", "drop", "hash"),
        "What happens to a secret: mask, drop, or hash with OTEL_FLOW_REDACTION_HASH_KEY.",
    ),
    Setting(
        "redaction_hash_key",
        "OTEL_FLOW_REDACTION_HASH_KEY",
        Secret(),
        "Key of the hash; never shown.",
    ),
    Setting(
        "redaction_keys",
        "OTEL_FLOW_REDACTION_KEYS",
        _WORDS,
        "Further names of attributes whose values are secret.",
    ),
    Setting(
        "redaction_safe_keys",
        "OTEL_FLOW_REDACTION_SAFE_KEYS",
        _WORDS,
        "Names of attributes that are never redacted.",
    ),
    Setting(
        "redaction_options",
        "OTEL_FLOW_REDACTION_OPTIONS",
        Words(each=choice("email", "phone", "ip").parse),
        "What else is redacted: email, phone, ip.",
    ),
)

INSTRUMENTATION = (
    Setting(
        "disabled_instrumentations",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        _WORDS,
        "Instrumentations that stay off, by name; * is all.",
    ),
    Setting(
        "excluded_urls",
        "OTEL_PYTHON_EXCLUDED_URLS",
        Words(each=pattern),
        "Paths without telemetry, regular expressions by commas, beside the default ones.",
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
        _HEADER_NAMES,
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
