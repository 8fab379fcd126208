"""Settings of the service and its surroundings: resource, logs, redaction."""

from __future__ import annotations

import pathlib

from otel_flow.names import environment
from otel_flow.settings.kinds import Function, Rejected, Seconds, Secret, Text, Whole, Words, choice
from otel_flow.settings.pairs import Attributes, Expressions, Levels
from otel_flow.settings.plugins import detector
from otel_flow.settings.table.setting import Setting


_WORDS = Words()
_PLATFORM = [names[0] for names in environment.PLATFORM_ATTRIBUTES.values()]
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


def file_in_folder(path: str) -> None:
    """Reject *path* unless its folder exists."""
    if not pathlib.Path(path).absolute().parent.is_dir():
        raise Rejected("a file in a folder that exists")


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
        f"Attributes of the resource from the variables that a Kubernetes manifest fills by the "
        f"downward API: {', '.join(_PLATFORM)}; in a cluster also by the usual names without "
        "K8S_, such as POD_NAME.",
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
    Setting(
        "log_context_baggage",
        "OTEL_FLOW_LOG_CONTEXT_BAGGAGE",
        Words(),
        "Keys of log_context that travel as baggage, and that are bound where they arrive; * is all.",
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
    Setting(
        "redaction_patterns",
        "OTEL_FLOW_REDACTION_PATTERNS",
        Expressions(),
        "Further shapes of secrets, `name=expression,…`, percent-encoded.",
    ),
    Setting(
        "redaction_callback",
        None,
        Function(),
        "Function that decides what stands for a secret; only as a keyword.",
    ),
    Setting(
        "user_id",
        "OTEL_FLOW_USER_ID",
        choice("raw", "hash"),
        "How `measure.user` names users: raw, or hash with OTEL_FLOW_REDACTION_HASH_KEY.",
    ),
)
