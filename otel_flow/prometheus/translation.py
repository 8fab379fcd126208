"""
Names as Prometheus' OTLP endpoint gives them, by its default strategy.

``UnderscoreEscapingWithSuffixes``: words joined by underscores, the unit spelled out, and
``total`` or ``ratio`` at the end (specification: Prometheus and OpenMetrics compatibility).
A test feeds a real Prometheus both ways and compares.
"""

from __future__ import annotations

import functools
import re

from typing import Literal


Kind = Literal["counter", "gauge", "histogram"]

_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_RATES = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABELS = re.compile(r"[^a-zA-Z0-9]+")


@functools.lru_cache(maxsize=4096)
def metric_name(name: str, unit: str, kind: Kind, *, up_down: bool = False) -> str:
    """
    Return the name of a metric's family, of a counter with its ``total``.

    A sum that can fall is *up_down*: a gauge to Prometheus, but no ratio.
    """
    words = [word for word in _NOT_IN_NAMES.split(name) if word]
    for suffix in _suffixes(unit):
        if suffix and suffix not in words:
            words.append(suffix)
    last = "total" if kind == "counter" else ""
    if unit == "1" and kind == "gauge" and not up_down:
        last = "ratio"
    if last:
        words = [word for word in words if word != last] + [last]
    joined = "_".join(words)
    return f"_{joined}" if joined[:1].isdigit() else joined


def _suffixes(unit: str) -> tuple[str, str]:
    """Return the unit and the rate of *unit*, spelled out: By/s is bytes, per_second."""
    main, _, rate = (part.strip() for part in unit.partition("/"))
    main = "" if {"{", "}"} & set(main) else _UNITS.get(main, main)
    rate = "" if {"{", "}"} & set(rate) else _RATES.get(rate, rate)
    return _cleaned(main), _cleaned(f"per_{rate}") if rate else ""


def _cleaned(unit: str) -> str:
    return _NOT_IN_NAMES.sub("_", unit).strip("_")


@functools.lru_cache(maxsize=4096)
def label_name(name: str) -> str:
    """Return the name of a label; *name* is the key of an attribute."""
    if len(name) >= _RESERVED and name.startswith("__") and name.endswith("__"):
        return f"__{_NOT_IN_LABELS.sub('_', name[2:-2])}__"
    label = _NOT_IN_LABELS.sub("_", name)
    return f"key_{label}" if label[:1].isdigit() else label


_RESERVED = 4
"""Characters of the shortest name between double underscores."""
