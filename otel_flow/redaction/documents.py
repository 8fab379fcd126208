"""JSON inside of texts, read and written a piece at a time."""

from __future__ import annotations

import itertools
import json

from typing import TYPE_CHECKING, Any

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from otel_flow.redaction.slices import Step


_SMALL = 4096
"""Characters of a document that is read and written at one go."""
_VALUES = 32
"""Objects and numbers that are read at one step."""
_PIECES = 128
"""Pieces that are written at one step."""


def may_be_one(text: str) -> bool:
    """Return whether *text* begins and ends as a document with names does."""
    return text.lstrip().startswith(("{", "[")) and text.rstrip().endswith(("}", "]"))


def read(text: str, step: Step) -> Any:
    """Return the document that *text* is; raises `ValueError` or `RecursionError` if it is none."""
    if len(text) <= _SMALL:
        return json.loads(text)

    calls = itertools.count()

    def read(value: Any) -> Any:
        if next(calls) % _VALUES == 0:
            step()
        return value

    # The reader calls back for each object and each number: in between it cannot be left.
    return json.loads(text, object_hook=read, parse_int=lambda digits: read(int(digits)))


def write(document: Any, step: Step, *, size: int) -> str:
    """Return *document*, which had *size* characters, as text."""
    encoder = json.JSONEncoder(ensure_ascii=False, default=str)
    if size <= _SMALL:
        return encoder.encode(document)
    pieces = slices.Pieces()
    # What is iterated over is written piece by piece, and as `json.dumps` would.
    for count, piece in enumerate(encoder.iterencode(document)):
        pieces.add(piece)
        if count % _PIECES == 0:
            step()
    return pieces.joined()


def free(document: Any, step: Step) -> None:
    """Empty *document*, which nobody else has: at once, thousands of values take a while."""
    waiting = [document]
    count = 0
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict | list):
            waiting += part.values() if isinstance(part, dict) else part
            part.clear()
        count += 1
        if count % _PIECES == 0:
            step()
