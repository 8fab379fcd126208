"""Attributes that many spans or log records share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Mapping


class Constant(dict[str, Any]):
    """
    Attributes that are made once and never changed, so that they are encoded once, too.

    *encoded* is whose encoding is remembered, and the bytes; *named* is the same of a span's name
    and kind with them: whose, of which name and kind, and the bytes.
    """

    __slots__ = ("encoded", "named")

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        super().__init__(attributes)
        self.encoded: tuple[Any, bytes] = (None, b"")
        self.named: tuple[Any, Any, Any, bytes] = (None, None, None, b"")
