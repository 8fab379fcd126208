"""Which traces are shown when more arrive than anybody reads."""

from __future__ import annotations

import collections
import math
import time

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from otel_flow.demo.story import Trace


_KINDS = 1000


def kind_of(trace: Trace) -> tuple[object, ...]:
    """Return what makes *trace* like others: where it begins, how that ended, who took part."""
    root = trace.roots[0] if trace.spans else None
    if root is None:
        return ()
    status = root.attributes.get("http.response.status_code")
    failed = any(span.status == "error" for span in trace.spans)
    return (root.name, status, failed, trace.services)


class Choice:
    """
    Lets *per_second* traces through, those first whose kind was not seen for longest.

    After a silence up to *burst* come at once. With *once_each* every kind is let through once only.
    """

    def __init__(
        self,
        *,
        per_second: float = math.inf,
        burst: float = 1.0,
        once_each: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._once_each = once_each
        self._clock = clock
        self._burst = max(burst, per_second)
        self._credit = self._burst
        self._since = clock()
        self._seen: collections.OrderedDict[tuple[object, ...], float] = collections.OrderedDict()
        self.withheld = 0

    def among(self, traces: Iterable[Trace]) -> list[Trace]:
        """Return those of *traces* to show, in their order."""
        now = self._clock()
        earned = (now - self._since) * self._per_second if now > self._since else 0.0
        self._credit = min(self._burst, self._credit + earned)
        self._since = now
        chosen = set()
        traces = list(traces)
        for trace in sorted(traces, key=self._last_seen):
            if self._credit < 1 or (self._once_each and self._last_seen(trace)):
                self.withheld += 1
                continue
            self._credit -= 1
            self._remember(kind_of(trace), now)
            chosen.add(id(trace))
        return [trace for trace in traces if id(trace) in chosen]

    def _last_seen(self, trace: Trace) -> float:
        return self._seen.get(kind_of(trace), 0.0)

    def _remember(self, kind: tuple[object, ...], now: float) -> None:
        self._seen[kind] = now
        self._seen.move_to_end(kind)
        if len(self._seen) > _KINDS:
            self._seen.popitem(last=False)
