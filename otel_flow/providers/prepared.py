"""Attributes that are known to be as a span keeps them, so that nobody looks at each of them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.otlp.constant import Constant


if TYPE_CHECKING:
    from collections.abc import Mapping


class Prepared(dict[str, Any]):
    """
    What instrumentations start a span with: for samplers a dict, for a lean span its *parts*.

    The parts have no key in common; keys are texts that are not empty, values texts,
    numbers and truths. Their makers never change them again.
    """

    __slots__ = ("parts",)

    parts: tuple[dict[str, Any], ...]


def prepared(constant: Constant, own: dict[str, Any] | None = None) -> Prepared:
    """Return *constant* with the attributes that a single span has of its *own*."""
    found = Prepared(constant)
    if own is None:
        found.parts = (constant,)
    else:
        found.update(own)
        found.parts = (constant, own)
    return found


def constant(attributes: Mapping[str, Any]) -> Prepared:
    """Return *attributes* of many spans."""
    return prepared(Constant(attributes))
