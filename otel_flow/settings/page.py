"""The page of all settings, as ``docs/settings.md`` has it."""

from __future__ import annotations

from otel_flow.settings.describe import markdown_table


_INTRODUCTION = """\
# Settings

Everything that can be set, printed by `otel-flow env --markdown`.

A keyword of `otel_flow.configure()` wins over the variable, the variable over the default. What the
[specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/) or
OpenTelemetry for Python has a name for goes by that name; `OTEL_FLOW_…` is for the rest.

- An empty value is unset. Booleans are true for `true` only, in any case.
- Durations in variables are milliseconds; keywords and `otel-flow env` count seconds.
- Every wrong value is reported, all at once: `configure()` raises `ConfigError`; under
  `opentelemetry-instrument` the list is printed once and the application runs untraced.
- An unknown `OTEL_FLOW_…` name is a warning with the nearest known one.
- `OTEL_CONFIG_FILE` is refused: it would replace all of this, and is not read yet.

What is in effect in an environment, and where each value comes from:

```console
$ otel-flow env
$ otel-flow env --changed
```

Every setting is a keyword of `configure()` and of `Settings.from_environ`. A dotted one is a field of its group,
`span_batch=BatchSettings(schedule_delay=1)` from `otel_flow.settings`; for `configure()`, those that begin with
`redaction_` are keys of one, `redaction={"mode": "drop"}`.

"""


def markdown_page() -> str:
    """Return the page: how settings are read, and the table of all."""
    return _INTRODUCTION + markdown_table()
