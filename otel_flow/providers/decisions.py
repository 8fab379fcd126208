"""What the SDK's own samplers decide, without the objects that they answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    StaticSampler,
    TraceIdRatioBased,
)


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import SpanContext

    Decide = Callable[[SpanContext | None, int], bool]
    """Says of a parent, None for a root span, and a trace id whether the span is sampled."""


def decider(sampler: Any) -> Decide | None:
    """
    Return what decides as *sampler* does, None where it has to be asked itself.

    A sampler that is not exactly the SDK's may add attributes or look at the name.
    """
    build = _BUILDERS.get(type(sampler))
    return None if build is None else build(sampler)


def _always(_parent: SpanContext | None, _trace_id: int) -> bool:
    return True


def _never(_parent: SpanContext | None, _trace_id: int) -> bool:
    return False


_FIXED = {Decision.RECORD_AND_SAMPLE: _always, Decision.DROP: _never}


def _fixed(sampler: StaticSampler) -> Decide | None:
    return _FIXED.get(sampler._decision)


def _by_ratio(sampler: TraceIdRatioBased) -> Decide:
    bound, bits = sampler.bound, sampler.TRACE_ID_LIMIT

    def decide(_parent: SpanContext | None, trace_id: int) -> bool:
        return trace_id & bits < bound

    return decide


def _by_parent(sampler: ParentBased) -> Decide | None:
    root = decider(sampler._root)
    local_on, local_off = (
        decider(sampler._local_parent_sampled),
        decider(sampler._local_parent_not_sampled),
    )
    remote_on, remote_off = (
        decider(sampler._remote_parent_sampled),
        decider(sampler._remote_parent_not_sampled),
    )
    if not (root and local_on and local_off and remote_on and remote_off):
        return None
    if (local_on, local_off, remote_on, remote_off) == (_always, _never, _always, _never):
        return _as_parent(root)

    def decide(parent: SpanContext | None, trace_id: int) -> bool:
        if parent is None:
            return root(parent, trace_id)
        if parent[3] & 1:
            return (remote_on if parent[2] else local_on)(parent, trace_id)
        return (remote_off if parent[2] else local_off)(parent, trace_id)

    return decide


def _as_parent(root: Decide) -> Decide:
    def decide(parent: SpanContext | None, trace_id: int) -> bool:
        return root(None, trace_id) if parent is None else bool(parent[3] & 1)

    return decide


_BUILDERS: dict[type, Callable[[Any], Decide | None]] = {
    StaticSampler: _fixed,
    TraceIdRatioBased: _by_ratio,
    ParentBased: _by_parent,
    ParentBasedTraceIdRatio: _by_parent,
}
