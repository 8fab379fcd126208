"""What arrived of the units of work that were done, counted on every way."""

from __future__ import annotations

import collections
import dataclasses
import json
import re

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


_SIGNALS = {"span": "traces", "data point": "metrics", "log record": "logs"}
_LEFT = re.compile(r"(left behind|dropped)[^:]*: (.*)")
_PATH = re.compile(r"/(?:unit|fork|slow)/(\d+)$")
CHILD = 1_000_000
"""The numbers of forked children begin here, as in ``apps/unit.py``."""
ROUTES = {"/unit/{number}", "/fork/{number}", "/slow/{number}"}


@dataclasses.dataclass(frozen=True)
class Arrived:
    """Spans, points and records of everything that a Collector received."""

    spans: dict[tuple[str, str], dict[str, Any]]
    """By trace id and span id."""
    copies: int
    """Spans that arrived more than once, each further copy."""
    records: list[dict[str, Any]]
    series: dict[tuple[Any, ...], dict[int, int]]
    """Counts of histograms: instance id, scope, name and attributes → time → count."""
    instances: set[str]

    def units(self, name: str = "unit") -> list[int]:
        """The numbers of the units whose spans arrived."""
        return sorted(_keys(s)["unit"] for s in self.spans.values() if s["name"] == name)

    def served(self) -> list[int]:
        """The numbers in the paths of the server spans."""
        paths = [
            _PATH.search(str(_keys(span).get("url.path")))
            for span in self.spans.values()
            if span.get("kind") in (2, "SPAN_KIND_SERVER")
        ]
        return sorted(int(path[1]) for path in paths if path)

    def logged(self) -> list[int]:
        """The numbers of the units whose log records arrived."""
        return sorted(_keys(r)["unit"] for r in self.records if "unit" in _keys(r))

    def counted(self, name: str, **wanted: Any) -> int:
        """The increases of a histogram's count as Prometheus would see them, resets included."""
        total = 0
        for (*_, found, attributes), points in self.series.items():
            if found == name and wanted.items() <= dict(attributes).items():
                total += increase([points[time] for time in sorted(points)])
        return total


def read(requests: Iterable[dict[str, Any]]) -> Arrived:
    spans: dict[tuple[str, str], dict[str, Any]] = {}
    copies = 0
    records: list[dict[str, Any]] = []
    series: dict[tuple[Any, ...], dict[int, int]] = collections.defaultdict(dict)
    instances = set()
    for request in requests:
        for instance, scope, item in _items(request):
            instances.add(instance)
            if "spanId" in item and "name" in item:
                key = (item["traceId"], item["spanId"])
                copies += key in spans
                spans[key] = item
            elif "histogram" in item:
                for point in item["histogram"].get("dataPoints", ()):
                    attributes = tuple(sorted(_keys(point).items()))
                    points = series[instance, scope, item["name"], attributes]
                    points[int(point["timeUnixNano"])] = int(point.get("count", 0))
            elif "timeUnixNano" in item or "observedTimeUnixNano" in item:
                records.append({"instance": instance, **item})
    return Arrived(spans, copies, records, series, instances)


def _items(request: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for resources, scopes, items in (
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceMetrics", "scopeMetrics", "metrics"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    ):
        for resource in request.get(resources, ()):
            instance = str(_keys(resource["resource"])["service.instance.id"])
            for scope in resource.get(scopes, ()):
                for item in scope.get(items, ()):
                    yield instance, scope.get("scope", {}).get("name", ""), item


def increase(values: list[int]) -> int:
    """By how much a counter has grown that begins anew where its value falls."""
    pairs = zip([0, *values], values, strict=False)
    return sum(now - before if now >= before else now for before, now in pairs)


def is_of(record: dict[str, Any], key: str) -> bool:
    """Whether a log record has the attribute *key*."""
    return any(pair["key"] == key for pair in record.get("attributes", ()))


def _keys(holder: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _value(pair.get("value", {})) for pair in holder.get("attributes", ())}


def _value(value: dict[str, Any]) -> Any:
    kind, found = next(iter(value.items()), ("stringValue", ""))
    if kind == "intValue":
        return int(found)
    return json.dumps(found) if isinstance(found, dict | list) else found


def ledger(path: Path) -> list[int]:
    """The numbers of the units that were done, as the processes wrote them down themselves."""
    return sorted(int(line.split()[1]) for line in path.read_text().splitlines())


def done_by(path: Path, moment: float) -> set[int]:
    """The numbers of the units that were done before *moment*, of ``time.monotonic``."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return {int(number) for _, number, at in lines if float(at) < moment}


def processes(path: Path) -> int:
    return len({line.split()[0] for line in path.read_text().splitlines()})


def lines(text: str) -> list[dict[str, Any]]:
    """The log lines of ours among what was printed."""
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def reported(stderr: str) -> dict[str, int]:
    """What was said to be left behind or dropped at the ends of processes, by signal."""
    found: collections.Counter[str] = collections.Counter()
    for line in stderr.splitlines():
        if "at shutdown" in line and (match := _LEFT.search(line)):
            for count, name in re.findall(r"(\d+) \(?(span|data point|log record|\w+)", match[2]):
                found[_SIGNALS.get(name, name)] += int(count)
    return dict(found)
