"""
Locks in a forked child.

Only the forking thread lives on there: what another thread held at that moment is never
released, and whoever asks for it waits for ever. Locks of ours are made anew by their
owners; those of the SDK and of structlog, which many objects share, are freed in place, as
``threading`` and ``logging`` free theirs.
"""

from __future__ import annotations

import collections
import weakref

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_KNOWN = (
    "opentelemetry.",
    # What of ours stands around processors and exporters of others.
    "otel_flow.providers.redacting",
    "otel_flow.delivery.redacting",
)
_ONCE = "opentelemetry.util._once"
_POINTS = "opentelemetry.sdk.metrics._internal.point"
_RECORDS = ("ReadableLogRecord", "ReadWriteLogRecord")
_CONTAINERS = (list, tuple, set, frozenset, collections.deque, weakref.WeakSet)


def renew_locks(*owners: Any) -> None:
    """
    Free the locks that *owners*, objects, classes or modules, keep as attributes.

    A lock may be an owner itself; what the SDK does once has one of its own.

    To be called in a forked child only, before anything else can hold one.
    """
    for owner in owners:
        for value in (owner, *_attributes(owner)):
            if type(value).__module__ == _ONCE:
                value = value._lock  # noqa: PLW2901
            if _is_lock(type(value)):
                value._at_fork_reinit()


def renew_locks_within(*roots: object) -> None:
    """
    Free the locks of *roots* and of all that they are made of, as far as OpenTelemetry made it.

    What has been recorded is not walked through: the queue of a processor of others holds
    thousands of ended spans, which would take longer than a fork may.
    """
    seen: dict[int, object] = {}
    waiting: list[object] = list(roots)
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, _CONTAINERS):
            waiting += part
        elif not type(part).__module__.startswith(_KNOWN) or _is_record(part):
            continue
        elif getattr(part, "end_time", None) is not None:
            renew_locks(getattr(part, "_events", None), getattr(part, "_links", None))
        else:
            renew_locks(part)
            waiting += _attributes(part)


def _is_record(part: object) -> bool:
    """Return whether *part* is a log record or the points of a metric, which have no locks."""
    kind = type(part)
    return kind.__name__ in _RECORDS or kind.__module__ == _POINTS


def _is_lock(kind: type) -> bool:
    """Return whether *kind* is a lock, a condition or an event, of ``threading`` or of gevent."""
    waits = hasattr(kind, "acquire") or hasattr(kind, "wait")
    return waits and hasattr(kind, "_at_fork_reinit")


def _attributes(owner: object) -> Iterator[Any]:
    yield from getattr(owner, "__dict__", {}).values()
    for kind in type(owner).__mro__:
        for name in _slots(kind):
            yield getattr(owner, name, None)


def _slots(kind: type) -> Iterable[str]:
    slots: str | Iterable[str] = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots
