"""Asking Jaeger, Prometheus and Loki what they have, over their HTTP APIs."""

from __future__ import annotations

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


def jaeger_spans(jaeger: str, trace_id: str) -> list[dict[str, Any]]:
    """Return the spans of a trace, empty while Jaeger does not know it."""
    try:
        found = _get(f"{jaeger}/api/v3/traces/{trace_id}")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return []
        raise
    return [
        span
        for resource in found["result"]["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def prometheus_samples(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """Return the instant vector of *expression*."""
    answer = _get(f"{prometheus}/api/v1/query", query=expression)
    samples: list[dict[str, Any]] = answer["data"]["result"]
    return samples


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
