"""
Metric families as text, in both of Prometheus' formats.

What prometheus-client writes, for the families that are made here. It looks at every
character of every label at each scrape; here a series' labels are written once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.utils import floatToGoString


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from prometheus_client.metrics_core import Metric
    from prometheus_client.samples import Exemplar


_EXACT = 1_000_000
"""From here on numbers are written with an exponent."""


class Labels(dict[str, str]):
    """The labels of a series, which know how they are written."""

    __slots__ = ("text",)

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__(labels)
        self.text = written(labels)

    def below(self, bound: str) -> Self:
        """Return the labels of the bucket up to *bound*."""
        bucket = type(self).__new__(type(self))
        bucket.update(self, le=bound)
        bucket.text = f'{self.text},le="{bound}"' if self.text else f'le="{bound}"'
        return bucket


def written(labels: Mapping[str, str]) -> str:
    """Return *labels* as they stand between the braces."""
    return ",".join(f'{name}="{_quoted(labels[name])}"' for name in sorted(labels))


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', r"\"")


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n")


def exposed(families: Iterable[Metric], *, openmetrics: bool) -> bytes:
    """Return *families* in OpenMetrics' format, with exemplars, or in the older text format."""
    lines: list[str] = []
    for family in families:
        is_counter = family.type == "counter"
        name = f"{family.name}_total" if is_counter and not openmetrics else family.name
        escape = _quoted if openmetrics else _escaped
        lines.append(f"# HELP {name} {escape(family.documentation)}\n# TYPE {name} {family.type}\n")
        for sample in family.samples:
            labels = sample.labels
            text = labels.text if type(labels) is Labels else written(labels)
            shown = _exemplar(sample.exemplar) if openmetrics and sample.exemplar else ""
            braced = f"{{{text}}}" if text else ""
            lines.append(f"{sample.name}{braced} {_number(sample.value)}{shown}\n")
    if openmetrics:
        lines.append("# EOF\n")
    # A lone surrogate in a value must not cost the scrape.
    return "".join(lines).encode(errors="replace")


def _number(value: Any) -> str:
    if type(value) is int and -_EXACT < value < _EXACT:
        return f"{value}.0"
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


def _exemplar(exemplar: Exemplar) -> str:
    return f" # {{{written(exemplar.labels)}}} {_number(exemplar.value)} {exemplar.timestamp}"
