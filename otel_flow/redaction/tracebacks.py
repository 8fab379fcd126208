"""Stack traces: lines of code, which come again and again, and the messages between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_flow.redaction.slices import Step


_FRAME = '  File "'
_CODE = "    "
_LINES = 16
"""Lines that are known already, as most are, of one step."""


def is_traceback(text: str) -> bool:
    """Return whether *text* holds frames as Python prints them."""
    return f"\n{_FRAME}" in text or (text.startswith(_FRAME) and "\n" in text)


def redact_traceback(
    text: str, *, code: Callable[[str], str], text_of: Callable[[str], str], step: Step
) -> str:
    """
    Return *text* with secrets masked: frames line by line by *code*, the rest by *text_of*.

    In code only literals are secrets: ``connect(password=settings.password)`` is none.
    """
    pieces = slices.Pieces()
    for count, (in_frame, part) in enumerate(_parts(text)):
        if count:
            pieces.add("\n")
        pieces.add(code(part) if in_frame else text_of(part))
        if count % _LINES == 0:
            step()
    return pieces.joined()


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Yield lines of frames, and all that stands between them, each with which of them it is."""
    position, in_frame = 0, False
    while position <= len(text):
        goes_on = in_frame and text.startswith(_CODE, position)
        in_frame = goes_on or text.startswith(_FRAME, position)
        end = text.find("\n" if in_frame else f"\n{_FRAME}", position)
        end = len(text) if end < 0 else end
        yield in_frame, text[position:end]
        position = end + 1
