"""Private keys in PEM and in PuTTY's format, also those that were cut."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_flow.redaction.slices import Step

    Mark = Callable[[str, str], str]


_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,32} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]{1,32} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_PUTTY = re.compile(r"Private-Lines: \d{1,16}(?=\r?\n|\\n)")
_PUTTY_END = "Private-MAC"
_REACH = 200
"""Characters of the longest of these lines."""


def redact_private_keys(text: str, mark: Mark, step: Step) -> str:
    """Return *text* with private keys marked; one that does not end goes on to the end."""
    text = slices.spliced(text, _blocks(text, mark, step))
    return slices.spliced(text, _putty(text, mark, step))


def _blocks(text: str, mark: Mark, step: Step) -> Iterator[tuple[int, int, str]]:
    position = 0
    while begin := slices.find(_BEGIN, text, position, reach=_REACH, step=step):
        end = slices.find(_END, text, begin.end(), reach=_REACH, step=step)
        position = len(text) if end is None else end.end()
        yield begin.start(), position, mark("private_key", text[begin.start() : position])


def _putty(text: str, mark: Mark, step: Step) -> Iterator[tuple[int, int, str]]:
    position = 0
    while begin := slices.find(_PUTTY, text, position, reach=_REACH, step=step):
        end = text.find(_PUTTY_END, begin.end())
        position = len(text) if end < 0 else end
        yield begin.end(), position, mark("private_key", text[begin.start() : position])
