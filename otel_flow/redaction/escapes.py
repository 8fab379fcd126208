"""Escapes of URLs and JSON, which can hide a name or a token."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING
from urllib.parse import unquote

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.redaction.slices import Step


_ESCAPED = re.compile(r"%(?:3[ADad]|2[2Ff]|40|20)")
_UNICODE = "\\u00"
_CODE = re.compile(r"[2-7][0-9A-Fa-f]")
_REACH = 8
_BORDER = re.compile(r"(?<!%)(?<!%[0-9A-Fa-f])(?:[^%]|%(?![89ABab][0-9A-Fa-f]))")
"""Where a text can be cut: neither an escape nor a character of several goes on there."""


def decoded(text: str, step: Step) -> str:
    """Return *text* without the escapes of URLs and JSON that can hide a name or a token."""
    if slices.find(_ESCAPED, text, 0, reach=_REACH, step=step):
        text = "".join(_unquoted(text, step))
    return slices.spliced(text, _characters(text, step))


def _unquoted(text: str, step: Step) -> Iterator[str]:
    position = 0
    while position < len(text):
        border = _BORDER.search(text, position + slices.WINDOW)
        end = len(text) if border is None else border.start()
        yield unquote(text[position:end])
        position = end
        step()


def _characters(text: str, step: Step) -> Iterator[tuple[int, int, str]]:
    """Yield the characters that JSON escapes, however often it was escaped itself."""
    done = 0
    at = text.find(_UNICODE)
    while at >= 0:
        code = _CODE.match(text, at + len(_UNICODE))
        if code is not None:
            start = done + len(text[done:at].rstrip("\\"))
            done = code.end()
            yield start, done, chr(int(code.group(), 16))
        step()
        at = text.find(_UNICODE, at + 1)
