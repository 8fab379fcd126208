"""Stack traces: lines of code, which come again and again, and the messages between them."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


_FRAME = '  File "'
_CODE = "    "


def is_traceback(text: str) -> bool:
    """Return whether *text* holds frames as Python prints them."""
    return _FRAME in text and "\n" in text


def redact_traceback(
    text: str, *, code: Callable[[str], str], text_of: Callable[[str], str]
) -> str:
    """
    Return *text* with secrets masked: frames line by line by *code*, the rest by *text_of*.

    In code only literals are secrets: ``connect(password=settings.password)`` is none.
    """
    pieces: list[str] = []
    message: list[str] = []
    in_frame = False
    for line in text.split("\n"):
        in_frame = line.startswith(_FRAME) or (in_frame and line.startswith(_CODE))
        if not in_frame:
            message.append(line)
            continue
        if message:
            pieces.append(text_of("\n".join(message)))
            message.clear()
        pieces.append(code(line))
    if message:
        pieces.append(text_of("\n".join(message)))
    return "\n".join(pieces)
