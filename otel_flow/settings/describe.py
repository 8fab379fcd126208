"""The settings in print: rows for ``otel-flow env`` and the table of the documentation."""

from __future__ import annotations

import dataclasses

from functools import reduce
from typing import Any

from otel_flow.settings.groups import DEFAULT_HTTP_ENDPOINT
from otel_flow.settings.kinds import ENDLESS
from otel_flow.settings.masking import hidden
from otel_flow.settings.model import Settings
from otel_flow.settings.table import COMMON, LISTED, SETTINGS, Setting


_COMMON_DEFAULTS = {"endpoint": DEFAULT_HTTP_ENDPOINT, "insecure": "false"}
"""Defaults of OTLP options that each signal makes something else of."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One setting in effect.

    *value* and *default* are what JSON can hold, secrets masked, durations in
    seconds; *source* is ``keyword``, the name of a variable, or ``default``.
    """

    setting: str
    variable: str | None
    value: Any
    unit: str
    source: str
    default: Any
    doc: str

    @property
    def text(self) -> str:
        """*value* with its unit, on one line; ``-`` for none."""
        return _text(self.value, self.unit)


def describe(settings: Settings) -> tuple[Row, ...]:
    """Return a row for each setting, in the order of the table."""
    defaults = Settings()
    return tuple(_row(settings, defaults, setting) for setting in SETTINGS)


def markdown_table() -> str:
    """Return the table of all variables with their defaults, in Markdown."""
    defaults = Settings()
    lines = [
        "| Variable | Keyword | Default | Meaning |",
        "| --- | --- | --- | --- |",
        *(_markdown_row(defaults, setting) for setting in LISTED),
    ]
    return "\n".join(lines) + "\n"


def _row(settings: Settings, defaults: Settings, setting: Setting) -> Row:
    return Row(
        setting=setting.field,
        variable=setting.variable,
        value=_shown(settings, setting, setting.field),
        unit=setting.unit,
        source=settings.sources.get(setting.field, _guessed_source(settings, defaults, setting)),
        default=_shown(defaults, setting, setting.field),
        doc=setting.doc,
    )


def _guessed_source(settings: Settings, defaults: Settings, setting: Setting) -> str:
    """Return the source in settings that were not read but made by hand."""
    same = _value(settings, setting.field) == _value(defaults, setting.field)
    return "default" if same else "keyword"


def _value(settings: Settings, field: str) -> Any:
    return reduce(getattr, field.split("."), settings)


def _shown(settings: Settings, setting: Setting, field: str) -> Any:
    value = _value(settings, field)
    return None if value is None else hidden(setting.kind.shown(value))


def _markdown_row(defaults: Settings, setting: Setting) -> str:
    keyword = setting.keyword or setting.field
    cells = (_markdown_variable(setting), f"`{keyword}`", _markdown_default(defaults, setting))
    return f"| {' | '.join((*cells, setting.doc))} |"


def _markdown_variable(setting: Setting) -> str:
    if setting.variable is None:
        return f"`{setting.attribute}` in `OTEL_RESOURCE_ATTRIBUTES`" if setting.attribute else ""
    if setting not in COMMON:
        return f"`{setting.variable}`"
    option = setting.variable.partition("_OTLP_")[2]
    return f"`{setting.variable}`, `…_OTLP_{{TRACES,METRICS,LOGS}}_{option}`"


def _markdown_default(defaults: Settings, setting: Setting) -> str:
    """Return the default as the variable spells it."""
    if setting.field in _COMMON_DEFAULTS:
        return f"`{_COMMON_DEFAULTS[setting.field]}`"
    field = f"otlp_traces.{setting.field}" if setting in COMMON else setting.field
    value = _shown(defaults, setting, field)
    if setting.unit == "s":
        return f"`{round(value * 1000)}` ms"
    text = _text(value, setting.unit)
    return "" if text == "-" else f"`{text}`"


def _text(value: Any, unit: str) -> str:
    if value is None or value in ({}, []):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list):
        return ",".join(value)
    if unit == "s":
        return "endless" if value == ENDLESS else f"{value:g} s"
    return f"{value} {unit}".rstrip()
