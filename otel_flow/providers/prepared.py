"""Attributes that are known to be as a span keeps them, so that nobody looks at each of them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from otel_flow.otlp.constant import Constant


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer


class Prepared(Mapping[str, Any]):
    """
    What instrumentations start a span with: for a lean span its *parts*, for others a mapping.

    The parts have no key in common; keys are texts that are not empty, values texts,
    numbers and truths. Their makers never change them again.
    """

    __slots__ = ("_whole", "parts")

    def __init__(self, *parts: dict[str, Any]) -> None:
        self.parts = parts
        self._whole: dict[str, Any] | None = None

    def _all(self) -> dict[str, Any]:
        # Only samplers and processors of others ask.
        whole = self._whole
        if whole is None:
            whole = self._whole = {key: value for part in self.parts for key, value in part.items()}
        return whole

    def __getitem__(self, key: str) -> Any:
        """Return the value of *key*; raises `KeyError` where there is none."""
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys, part by part."""
        return iter(self._all())

    def __len__(self) -> int:
        """Return the number of all attributes."""
        return sum(map(len, self.parts))


def prepared(constant: Constant, own: dict[str, Any] | None = None) -> Prepared:
    """Return *constant* with the attributes that a single span has of its *own*."""
    return Prepared(constant) if own is None else Prepared(constant, own)


def constant(attributes: Mapping[str, Any]) -> Prepared:
    """Return *attributes* of many spans."""
    return Prepared(Constant(attributes))


class Starter(Protocol):
    """Starts spans that are of one kind."""

    def __call__(self, context: Context, own: dict[str, Any] | None = None) -> Span:
        """Start a span in *context*, with attributes of its *own* (see `Prepared`)."""
        ...


def starter_of(tracer: Tracer, name: str, kind: SpanKind, attributes: Prepared) -> Starter:
    """
    Return what starts spans of *name*, *kind* and *attributes*.

    Of our tracer everything but ids, parent, times and what is a span's own is looked up once.
    """
    short: Callable[..., Starter] | None = getattr(tracer, "starter", None)
    if short is not None:
        return short(name, kind, attributes)

    def start(context: Context, own: dict[str, Any] | None = None) -> Span:
        found = attributes if own is None else Prepared(*attributes.parts, own)
        return tracer.start_span(name, context, kind, found)

    return start


def complete(span: Span, *parts: dict[str, Any]) -> None:
    """Give *span*, shortly before its end, attributes that are as those of `Prepared`."""
    if (short := getattr(span, "add_parts", None)) is not None:
        short(*parts)
    elif span.is_recording():
        for part in parts:
            span.set_attributes(part)
