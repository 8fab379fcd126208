"""Whether the settings are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.doctor.finding import ok, problem, warning
from otel_flow.errors import ConfigError
from otel_flow.settings import Settings


if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_flow.doctor.finding import Finding


def check(environ: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """Return the settings that *environ* gives, None where they are wrong, and what there is to say."""
    try:
        settings = Settings.from_environ(environ)
    except ConfigError as error:
        return None, [
            problem(
                "settings.problem",
                f"{wrong.name}={wrong.value}: a service runs without telemetry",
                f"set it to {wrong.expected}",
                subject=wrong.name,
            )
            for wrong in error.problems
        ]
    findings = [
        warning("settings.warning", said, "correct the name or the value, or unset it")
        for said in settings.warnings
    ]
    if settings.sdk_disabled:
        source = settings.sources.get("sdk_disabled", "OTEL_SDK_DISABLED")
        findings.append(
            problem("settings.disabled", f"{source}=true: nothing is recorded", f"unset {source}")
        )
    changed = sum(source != "default" for source in settings.sources.values())
    if not findings:
        findings.append(ok("settings.valid", f"{changed} settings differ from their defaults"))
    return settings, findings
