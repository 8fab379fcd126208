"""Sampling by route: which share of the traces that begin with a request of it is kept."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.sampling import Sampler, TraceIdRatioBased
from opentelemetry.trace import SpanKind, get_current_span


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.sampling import SamplingResult
    from opentelemetry.trace import Link, TraceState
    from opentelemetry.util.types import Attributes


_PARAMETER = re.compile(r"\\\{[^}]*\\\}|\\\*")

_REMEMBERED = 4096


class RouteSampler(Sampler):
    """
    Decides by the path of a request where a trace begins, and leaves all else to *otherwise*.

    The route itself is not known before the request is answered, so a template is
    compared with the path. The first that matches counts.
    """

    def __init__(self, ratios: Mapping[str, float], otherwise: Sampler) -> None:
        self._rules = [
            (_compiled(template), TraceIdRatioBased(ratio)) for template, ratio in ratios.items()
        ]
        self._otherwise = otherwise
        self._remembered: dict[str, Sampler] = {}

    def should_sample(  # noqa: PLR0917 - the SDK's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return what the rule for the request says, for any other span what *otherwise* says."""
        sampler = self._otherwise
        if kind is SpanKind.SERVER and attributes is not None:
            path = attributes.get("url.path")
            begins = not get_current_span(parent_context).get_span_context().is_valid
            if begins and isinstance(path, str):
                sampler = self._sampler_of(path)
        return sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """Return a description with that of *otherwise*."""
        return f"RouteSampler{{{len(self._rules)} routes, {self._otherwise.get_description()}}}"

    def _sampler_of(self, path: str) -> Sampler:
        found = self._remembered.get(path)
        if found is None:
            matching = (sampler for rule, sampler in self._rules if rule.fullmatch(path))
            found = next(matching, self._otherwise)
            if len(self._remembered) < _REMEMBERED:
                self._remembered[path] = found
        return found


def _compiled(template: str) -> re.Pattern[str]:
    """Return a pattern of the paths of *template*: ``/items/{id}``, ``/files/{path:path}``, ``/a/*``."""

    def pattern(match: re.Match[str]) -> str:
        return ".*" if match[0] == r"\*" or ":path" in match[0] else "[^/]+"

    return re.compile(_PARAMETER.sub(pattern, re.escape(template)))
