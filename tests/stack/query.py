"""Asking Jaeger, Prometheus and Loki what they have, over their HTTP APIs."""

from __future__ import annotations

import dataclasses
import datetime
import json
import time
import urllib.error
import urllib.parse
import urllib.request

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable


def poll_until(check: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return the first true answer of *check*, asked five times a second for *seconds*."""
    end = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > end:
            message = f"not within {seconds:g} s: {what}"
            raise TimeoutError(message)
        time.sleep(0.2)


def is_answering(address: str) -> bool:
    """Return whether *address* answers with success."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status < 300)
    except OSError:
        return False


def _get(address: str, **query: str) -> Any:
    with urllib.request.urlopen(f"{address}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
        return json.load(answer)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span as Jaeger gives it back, ids in hex."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: int
    """As OTLP counts: 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""
    attributes: dict[str, Any]
    resource: dict[str, Any]


def jaeger_spans(jaeger: str, trace_id: str) -> list[Span]:
    """Return the spans of a trace, empty while Jaeger does not know it."""
    return _spans(f"{jaeger}/api/v3/traces/{trace_id}")


def jaeger_service_spans(jaeger: str, service: str, limit: int = 5000) -> list[Span]:
    """Return the spans of all traces of the last hour that *service* took part in."""
    now = datetime.datetime.now(datetime.UTC)
    return _spans(
        f"{jaeger}/api/v3/traces",
        **{
            "query.service_name": service,
            "query.start_time_min": (now - datetime.timedelta(hours=1)).isoformat(),
            "query.start_time_max": (now + datetime.timedelta(minutes=1)).isoformat(),
            "query.num_traces": str(limit),
        },
    )


def _spans(address: str, **query: str) -> list[Span]:
    try:
        found = _get(address, **query)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return []
        raise
    return [
        Span(
            trace_id=span["traceId"],
            span_id=span["spanId"],
            parent_span_id=span.get("parentSpanId", ""),
            name=span["name"],
            kind=span.get("kind", 0),
            attributes=_attributes(span),
            resource=_attributes(resource["resource"]),
        )
        for resource in found["result"].get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {
        pair["key"]: next(iter(pair["value"].values()), None)
        for pair in holder.get("attributes", ())
    }


def jaeger_calls(jaeger: str, service: str) -> list[float]:
    """Return what the Monitor tab shows as the request rates of *service*."""
    answer = _get(
        f"{jaeger}/api/metrics/calls",
        service=service,
        step="1000",
        ratePer="60000",
        lookback="600000",
        spanKind="server",
    )
    return [
        point["gaugeValue"]["doubleValue"]
        for metric in answer["metrics"]
        for point in metric["metricPoints"]
        if "gaugeValue" in point
    ]


def prometheus_samples(
    prometheus: str, expression: str, *, at: float | None = None
) -> list[dict[str, Any]]:
    """Return the instant vector of *expression*, now or at the Unix time *at* in seconds."""
    time_of_query = {} if at is None else {"time": str(at)}
    answer = _get(f"{prometheus}/api/v1/query", query=expression, **time_of_query)
    samples: list[dict[str, Any]] = answer["data"]["result"]
    return samples


def prometheus_exemplars(prometheus: str, selector: str) -> list[dict[str, Any]]:
    """Return the exemplars of the last hour of the series that *selector* names."""
    now = time.time()
    answer = _get(
        f"{prometheus}/api/v1/query_exemplars",
        query=selector,
        start=str(now - 3600),
        end=str(now + 60),
    )
    return [exemplar for series in answer["data"] for exemplar in series["exemplars"]]


def prometheus_targets(prometheus: str) -> dict[str, str]:
    """Return the health of each scrape target by its job."""
    answer = _get(f"{prometheus}/api/v1/targets", state="active")
    return {each["labels"]["job"]: each["health"] for each in answer["data"]["activeTargets"]}


def loki_lines(loki: str, expression: str) -> list[tuple[dict[str, str], str]]:
    """Return labels and text of the lines of the last hour that *expression* selects."""
    answer = _get(f"{loki}/loki/api/v1/query_range", query=expression, since="1h", limit="5000")
    return [
        (stream["stream"], line)
        for stream in answer["data"]["result"]
        for _, line in stream["values"]
    ]
